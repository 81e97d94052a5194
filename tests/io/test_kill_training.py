"""A run that is killed at random moments ends up where it would have."""

import pathlib
import subprocess
import sys


def test_killed_runs_resume_as_if_nothing_had_happened():
    """20 kills; `python -m tests.io.kill_training` does 200. A process of its own, as it forks."""
    command = [sys.executable, "-m", "tests.io.kill_training", "20", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=pathlib.Path(__file__).parents[2])
    assert (done.stderr, done.returncode) == ("", 0)
    assert "20 kills: no broken file, and every step after every resume is that" in done.stdout
