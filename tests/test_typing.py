"""What an editor knows of minigrad: the types of the README's code, checked as a user's file."""

import importlib.util
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
BLOCK = re.compile(r"^```python\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
REVEALED = {
    "weights": "Tensor",
    "output": "Tensor",
    "loss": "Tensor",
    "weights.grad": "Tensor | None",
    "weights.sum(axis=0)": "Tensor",
    "(weights * 2 - 1) @ weights": "Tensor",
    "mg.tanh(weights)": "Tensor",
    "mg.linalg.inv(weights)": "Tensor",
    "F.relu(weights)": "Tensor",
    "output.detach().numpy()": "ndarray",
    "nn.Linear(2, 3).weight": "Parameter",
    'history["loss"]': "list[float]",
}

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("pyrefly"), reason="pyrefly is an extra of developers")


def checked(folder, code):
    """What the type checker says of a user's file, a line each."""
    (folder / "user.py").write_text(code, encoding="utf-8")
    (folder / "pyrefly.toml").touch()  # its defaults, rather than those of a folder above
    command = [*(sys.executable, "-m", "pyrefly", "check", "--output-format", "min-text"), "--search-path", str(ROOT)]
    return subprocess.run([*command, "user.py"], cwd=folder, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def readme():
    """All Python of the README in one file."""
    return "\n".join(block[1] for block in BLOCK.finditer((ROOT / "README.md").read_text(encoding="utf-8")))


def test_the_readmes_code_has_no_error_and_known_types(readme, tmp_path):
    """An editor can complete what it calls: Tensors are Tensors, not anything at all."""
    asked = "".join(f"reveal_type({expression})\n" for expression in REVEALED)
    said = checked(tmp_path, f"{readme}\nfrom typing import reveal_type\n\n{asked}")
    assert "ERROR" not in said
    assert re.findall(r"revealed type: (.*?) \[reveal-type\]", said) == list(REVEALED.values())


@pytest.mark.parametrize("mistake", ["weights.no_such_method()", "mg.no_such_function(1.0)", "mg.nn.NoSuchLayer()"])
def test_what_is_not_there_is_an_error(readme, tmp_path, mistake):
    """A name that is misspelt is underlined."""
    assert re.search(
        r"ERROR .*(no attribute|No attribute).*\[missing-attribute\]", checked(tmp_path, f"{readme}\n{mistake}")
    )
