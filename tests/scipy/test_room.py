"""The room of SciPy's functions as a whole."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
import scipy.spatial
import scipy.special

import minigrad
import minigrad as mg


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


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (scipy.special.logsumexp, r"scipy.special.logsumexp asks for the values: use mg.scipy.special.logsumexp$"),
        (lambda x: scipy.linalg.solve_triangular(x, np.ones(2)), r"use mg.scipy.linalg.solve_triangular$"),
        (scipy.linalg.inv, r"scipy.linalg.inv asks for the values: mg.scipy.linalg has no such function, but NumPy"),
        (scipy.spatial.distance.pdist, r"scipy.spatial.distance.pdist asks .* mg.scipy.spatial.distance has no such"),
        (lambda x: np.sum(float(x[0, 0])), r"where no derivative is wanted$"),
    ],
)
def test_functions_of_scipy_that_ask_for_values_are_named(f, text):
    """With what there is instead, which works."""
    with pytest.raises(mg.DetachedError, match=text):
        mg.grad(lambda x: np.sum(f(x)))(np.eye(2))
    assert mg.grad(mg.scipy.special.logsumexp)(np.eye(2)).shape == (2, 2)
