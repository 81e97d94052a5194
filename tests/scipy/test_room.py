"""The room of SciPy's functions as a whole."""

import subprocess
import sys

import pytest

import minigrad


def test_without_scipy_the_room_names_its_extra():
    """A machine without SciPy can import minigrad, and is told what to install where the room is asked for."""
    code = (
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *package: None if name == 'scipy' else find(name, *package)\n"
        "import minigrad\n"
        "try:\n"
        "    minigrad.scipy\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == (
        "minigrad.scipy needs SciPy, of the extra 'scipy'. Install it: python -m pip install scipy, or "
        "python -m pip install '.[scipy]' in the checkout"
    )


def test_modules_are_loaded_when_they_are_named():
    """A ufunc that is met needs the rules of special functions, and none of the modules that take long to load."""
    pytest.importorskip("scipy")
    code = (
        "import sys, minigrad as mg\n"
        "from scipy import special\n"
        "special.erf(mg.tensor(1.0, requires_grad=True))\n"
        "assert 'minigrad.scipy.special' in sys.modules\n"
        "assert not {'scipy.signal', 'scipy.optimize', 'scipy.stats'} & set(sys.modules)\n"
        "assert dir(mg.scipy) == mg.scipy.__all__\n"
        "for name in mg.scipy.__all__:\n"
        "    assert getattr(mg.scipy, name).__name__ == f'minigrad.scipy.{name}'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_that_is_not_there_has_pythons_error():
    pytest.importorskip("scipy")
    with pytest.raises(AttributeError, match="module 'minigrad.scipy' has no attribute 'spatial'$"):
        minigrad.scipy.spatial  # noqa: B018
    assert dir(minigrad.scipy) == minigrad.scipy.__all__
    assert minigrad.scipy.__getattr__("special") is minigrad.scipy.special
