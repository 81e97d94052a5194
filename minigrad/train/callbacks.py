"""What is done after each batch and each epoch of a training: logs, copies of the weights."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import time
from typing import Any

import numpy as np

from ..data.samples import checked_count
from ..distributed import world
from ..io import save
from ..nn import Module
from .history import VALIDATION, History


class Callback:
    """Something that `fit` calls as it goes; a subclass writes the methods that it needs.

    Under `mpiexec` all ranks call theirs.
    """

    def on_batch(self, model: Module, means: Mapping[str, float]) -> Any:
        """After each step in training, with the means of loss and metrics in this epoch so far."""

    def on_epoch(self, model: Module, history: History) -> Any:
        """After each epoch, before the checkpoint is written. If it returns what is true, the training ends."""

    def close(self) -> None:
        """After the training, whatever has ended it."""


class CSVLog(Callback):
    """A table with a row for each epoch, in a file that is written anew after each; by rank 0 alone.

    An array, as a metric can be, is written as lists of JSON.

    Parameters
    ----------
    path : path
        A resumed run writes the epochs before the resume again.
    """

    def __init__(self, path: Any) -> None:
        self.path = Path(path)

    def on_epoch(self, model: Module, history: History) -> None:
        if world().rank == 0:
            with self.path.open("w", newline="") as file:
                table = csv.writer(file)
                table.writerow(["epoch", *history])
                table.writerows([i, *map(in_a_cell, row.values())] for i, row in enumerate(history.rows, 1))


def in_a_cell(x: Any) -> Any:
    """A number as it is, and an array as text."""
    return json.dumps(x.tolist()) if isinstance(x, np.ndarray) else x


class SaveWeights(Callback):
    """Copies of the model's `state_dict`, each in a file of its own; by rank 0 alone.

    Parameters
    ----------
    path : str with "{epoch}" in it, ending in .npz or .safetensors
    every : int > 0
        In epochs.
    """

    def __init__(self, path: Any, every: int = 1) -> None:
        self.path, self.every = str(path), checked_count("every", every, 1)
        if "{epoch}" not in self.path:
            raise ValueError(f'the path has "{{epoch}}" in it, or each file would replace the last; got {self.path!r}')

    def on_epoch(self, model: Module, history: History) -> None:
        if history.epochs % self.every == 0 and world().rank == 0:
            save(self.path.replace("{epoch}", str(history.epochs)), model.state_dict())


class TensorBoard(Callback):
    """Curves for TensorBoard, as "loss/training" and "loss/validation" over the epochs; by rank 0 alone.

    Metrics that are arrays have none.

    Parameters
    ----------
    folder : path
        A resumed run adds a file to it.

    Raises
    ------
    ImportError
        If tensorboard is not installed, which the extra `tensorboard` does.
    """

    def __init__(self, folder: Any) -> None:
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError as error:
            raise ImportError(
                "TensorBoard(...) writes with tensorboard, of the extra 'tensorboard'. Install it: pip install "
                "tensorboard"
            ) from error
        self.folder, self.writer = str(folder), EventFileWriter
        self.kinds: Any = event_pb2, summary_pb2  # whose classes are made as they are loaded
        self.file: Any = None

    def on_epoch(self, model: Module, history: History) -> None:
        if world().rank != 0:
            return
        if self.file is None:
            self.file = self.writer(self.folder)
        events, summaries = self.kinds
        numbers = {name: x for name, x in history.rows[-1].items() if not isinstance(x, np.ndarray)}
        summary = summaries.Summary(
            value=[summaries.Summary.Value(tag=tag_of(name), simple_value=x) for name, x in numbers.items()]
        )
        self.file.add_event(events.Event(wall_time=time(), step=history.epochs, summary=summary))
        self.file.flush()

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


def tag_of(name: str) -> str:
    """A name of the history as TensorBoard groups curves: by what stands before the slash."""
    return f"{name.removeprefix(VALIDATION)}/{'validation' if name.startswith(VALIDATION) else 'training'}"


class Callbacks:
    """Those of a training: functions of the history, and objects with methods for more."""

    def __init__(self, given: Sequence[Any]) -> None:
        self.given = given
        self.objects = [x for x in given if isinstance(x, Callback)]

    def on_batch(self, model: Module, means: Mapping[str, float]) -> None:
        for callback in self.objects:
            callback.on_batch(model, means)

    def on_epoch(self, model: Module, history: History) -> list[bool]:
        """What each says about ending the training."""
        return [is_true(x.on_epoch(model, history) if isinstance(x, Callback) else x(history)) for x in self.given]

    def close(self) -> None:
        for callback in self.objects:
            callback.close()


def is_true(returned: Any) -> bool:
    """Whether what a callback has returned is true."""
    try:
        return bool(returned)
    except (TypeError, ValueError) as error:
        raise type(error)(f"a callback returns whether to end the training; got {returned!r:.60}") from error
