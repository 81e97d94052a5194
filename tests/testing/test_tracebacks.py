"""What pytest shows of a failed check: the user's line and the report, none of our insides."""

import subprocess
import sys

import pytest

CHECKS = {
    "check_vjp": "check_vjp(np.sin, lambda g, y, x: g, np.ones(2))",
    "gradcheck": "gradcheck(lambda x: x * x.detach() if hasattr(x, 'detach') else x * x, np.ones(2))",
    "gradgradcheck": "gradgradcheck(lambda x: x * x.detach() if hasattr(x, 'detach') else x * x, np.ones(2))",
    "assert_allclose": "assert_allclose(np.ones(2), np.zeros(2))",
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """pytest's output on a file with one failing test for each check."""
    path = tmp_path_factory.mktemp("shown") / "test_user.py"
    tests = [f"def test_{name}():\n    {line}\n" for name, line in CHECKS.items()]
    path.write_text("import numpy as np\nfrom minigrad.testing import *\n\n" + "\n".join(tests))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(path.parent), str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("name", CHECKS)
def test_a_failed_check_shows_the_users_line(shown, name):
    """The call is marked as the failing line."""
    assert f">       {CHECKS[name]}" in shown


def test_no_line_of_ours_is_shown(shown):
    """No frame is from inside the package."""
    assert "4 failed" in shown
    assert "minigrad/testing/" not in shown
