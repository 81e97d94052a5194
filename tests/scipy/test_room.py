"""The room of SciPy's functions as a whole."""

import subprocess
import sys


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
