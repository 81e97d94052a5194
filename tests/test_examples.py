"""The examples run, and print what they promise."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


def run(name, *args):
    command = [sys.executable, "-W", "error", EXAMPLES / name, *map(str, args)]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"MPLBACKEND": "Agg"}
    ).stdout


def numbers(text, before):
    """The number that comes after some words, each time."""
    return [float(x) for x in re.findall(re.escape(before) + r"\s*(-?[\d.]+(?:e-?\d+)?)", text)]


def test_tutorial_prints_the_tutorials_output():
    """10,000 epochs give the tutorial's four numbers, and no more than 1e-12 of difference from its own loop."""
    printed = run("tutorial.py")
    assert printed.startswith("Output after training:\n")
    assert re.findall(r"0\.\d{8}", printed) == ["0.00966553", "0.99211898", "0.99358961", "0.00786455"]
    assert float(re.search(r"hand-written loop: (\S+)", printed)[1]) <= 1e-12
    assert re.search(r"10,000 epochs: \d+\.\d+ s, by hand \d+\.\d+ s", printed)


@pytest.mark.slow
def test_hidden_layer_prints_the_reference_errors():
    """60,000 steps through two sigmoid layers give the classic errors; tanh gives others."""
    sigmoid, tanh = run("hidden_layer.py").split("tanh in the hidden layer")
    errors = re.findall(r"error (\S+)", sigmoid)
    assert errors == ["0.4964100319", "0.0085845257", "0.0057894599", "0.0046291768", "0.0039587653", "0.0035101226"]
    assert len(set(re.findall(r"error (\S+)", tanh)) - set(errors)) == 6


def test_hidden_layer_starts_with_the_reference_errors():
    """The first 10,001 steps give the first two of them."""
    assert re.findall(r"error (\S+)", run("hidden_layer.py", "10001"))[:2] == ["0.4964100319", "0.0085845257"]


def test_digits_are_read(tmp_path):
    """97 % of the held-out pictures, and the two pictures are written."""
    printed = run("digits.py", 4, tmp_path)
    assert numbers(printed, "Held-out pictures read rightly:")[0] >= 97
    assert {path.name for path in tmp_path.iterdir()} == {"digits_training.png", "digits_confusion.png"}


def test_many_networks_disagree_where_nothing_was_measured(tmp_path):
    printed = run("many_networks.py", 600, tmp_path)
    at_data, between = numbers(printed, "differ by")[0], numbers(printed, "-1.5,")[0]
    assert numbers(printed, "mean squared error")[0] < 0.005  # the noise has 0.0025
    assert between > 10 * at_data
    assert [path.name for path in tmp_path.iterdir()] == ["many_networks.png"]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_examples_are_short(path):
    """Less than 100 lines, as the README says; blank ones and the gallery's prose are not counted."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line and not line.startswith("#")]) < 100


PICTURES = ["digits", "fit_physics", "gaussian_process", "lotka_volterra", "many_networks", "own_operation", "spiral"]


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_left_out_without_matplotlib(tmp_path, name):
    """The numbers are printed all the same; of the digits, a few pictures are enough here."""
    (tmp_path / "matplotlib.py").write_text("raise ImportError\n")
    code = (
        f"import {name} as example\n"
        "if hasattr(example, 'data_set'):\n"
        "    whole = example.data_set\n"
        "    example.data_set = lambda count, rng: whole(count // 20, rng)\n"
        "example.main(1)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (tmp_path, EXAMPLES, EXAMPLES.parent)))}
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    ).stdout
    assert re.search(r"For (a picture|pictures), install Matplotlib", printed)
    assert re.search("Held-out|Away from the truth|After 1 epochs|mean squared error|known to|small cycle", printed)
    assert not list(tmp_path.glob("*.png"))


def test_spirals_are_told_apart(tmp_path):
    """99 % of the held-out points, and a picture of the border."""
    printed = run("spiral.py", 100, tmp_path)
    assert numbers(printed, "Held-out points in the right spiral:")[0] >= 99
    assert [path.name for path in tmp_path.iterdir()] == ["spiral.png"]


def test_irises_are_told_apart_in_a_pipeline(tmp_path):
    """A search by cross-validation finds a network that tells nine in ten apart, and there is a picture."""
    pytest.importorskip("sklearn", reason="the example is a pipeline of it")
    printed = run("iris_pipeline.py", 20, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["iris_pipeline.png"]
    assert numbers(printed, "of the flowers kept aside,")[0] >= 90
    assert numbers(printed, "learning rate 0.01")[-1] > 0.8


def test_a_network_goes_to_production(tmp_path):
    """Nine in ten held-out machines are judged rightly, by onnxruntime as by minigrad, and there is the file."""
    pytest.importorskip("onnxruntime", reason="the example runs it")
    printed = run("to_production.py", 10, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["alarm.onnx"]
    assert numbers(printed, "Held-out machines judged rightly:")[0] >= 90
    assert numbers(printed, "Largest difference from minigrad:")[0] < 5e-6


def test_a_transformer_begins_to_write():
    """One epoch of a narrow one: better than the frequencies of letters, 3.3 nats, and it writes."""
    printed = run("char_transformer.py", 1, 16)
    assert numbers(printed, "Held-out text:")[0] < 3.2
    assert "It writes:\n" in printed


def test_the_law_of_a_swing_is_found(tmp_path):
    """Damping and frequency, to 1e-3, and a picture."""
    printed = run("fit_physics.py", 100, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["fit_physics.png"]
    assert max(numbers(printed, "Away from the truth by") + numbers(printed, "damping, by")) < 1e-3


def test_the_comets_orbit_is_found(tmp_path):
    """Size, eccentricity and period, to a few thousandths, as its places are known to a hundredth; and a picture."""
    printed = run("own_operation.py", 1500, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["own_operation.png"]
    assert "The rules agree with slopes" in printed
    for name in ("size", "eccentricity", "period"):
        _, found, truth = numbers(printed, f"{name}")
        assert abs(found - truth) < 3e-3


def test_a_gaussian_process_knows_what_it_does_not_know(tmp_path):
    """The noise is found, and the curve is known worse in the gap than among the points; its slope is the truth's."""
    printed = run("gaussian_process.py", 0, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["gaussian_process.png"]
    assert abs(numbers(printed, "noise")[0] - 0.1) < 0.02
    assert numbers(printed, "and to")[0] > 2 * numbers(printed, "known to")[0]
    assert abs(numbers(printed, "slope is")[0] - numbers(printed, "truth's is")[0]) < 0.3


def test_the_rates_of_hares_and_lynxes_are_found(tmp_path):
    """The rates of the literature, within twice the errors that are printed; and a picture."""
    printed = run("lotka_volterra.py", 30, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["lotka_volterra.png"]
    for name, known in (("are born", 0.55), ("are eaten", 0.028), ("lynxes die", 0.80), ("are fed", 0.024)):
        value, error = numbers(printed, name)[0], numbers(printed.split(name)[1], "+-")[0] / 100
        assert abs(value / known - 1) < 2 * error < 0.4
