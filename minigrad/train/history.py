"""The history of a training run, epoch by epoch."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ..core.display import html_table

VALIDATION = "validation_"
FEW = 5  # epochs at the beginning and at the end, which a notebook shows


class History(Mapping[str, list[float]]):
    """The results of a training run by name: a list with a number for each epoch, or an array where a metric is one.

    Attributes
    ----------
    rows : list of dict
        The same by epoch.
    interrupted : bool
        Whether Ctrl-C ended the training. The epoch that was under way is not among the rows.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self.rows: list[dict[str, Any]] = []
        self.interrupted = False

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.names:
            raise KeyError(f"{name}; there are {', '.join(self.names)}")
        return [row[name] for row in self.rows]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        last = f", the last with {as_text(self.rows[-1])}" if self.rows else ""
        interrupted = ", and then interrupted" if self.interrupted else ""
        return f"<History of {self.epochs} epoch{'' if self.epochs == 1 else 's'}{last}{interrupted}>"

    def _repr_html_(self) -> str:
        """A table for a notebook: the first epochs and the last."""
        numbered = [[f"{i}", *map(number_or_shape, row.values())] for i, row in enumerate(self.rows, 1)]
        dots = [["..."] + [""] * len(self.names)]
        shown = numbered if len(numbered) <= 2 * FEW else numbered[:FEW] + dots + numbered[-FEW:]
        names = [name.replace("_", " ") for name in self.names]
        return html_table(["epoch", *names], shown, "interrupted" if self.interrupted else "")

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.rows)

    def plot(self) -> Any:
        """Curves over the epochs, as a figure of Matplotlib's: a panel for the loss, and one for each metric.

        Metrics that are arrays have none. A notebook shows the figure once, where it is the value of a cell.

        Raises
        ------
        ImportError
            If Matplotlib is not installed, which the extra `plot` does.
        """
        try:
            from matplotlib import pyplot
        except ImportError as error:
            raise ImportError(
                "plot() draws with Matplotlib, of the extra 'plot'. Install it: pip install matplotlib"
            ) from error
        names = [name for name in self._numbers() if not name.startswith(VALIDATION)]
        figure, panels = pyplot.subplots(1, len(names), figsize=(4.8 * len(names), 3.6), squeeze=False)
        for name, panel in zip(names, panels[0], strict=True):
            for curve, label in ((name, "training"), (VALIDATION + name, "validation")):
                if curve in self.names:
                    panel.plot(range(1, self.epochs + 1), self[curve], label=label, marker=".")
            panel.set(xlabel="epoch", ylabel=name)
            panel.legend()
        figure.tight_layout()
        if "inline" in pyplot.get_backend():  # a notebook, which shows what pyplot has open after each cell, and values
            pyplot.close(figure)
        return figure

    def frame(self) -> Any:
        """A frame of pandas with a row for each epoch, from 1, and a column for each name: of floats, or of arrays.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError("frame() makes a frame of pandas. Install it: pip install pandas") from error
        index = pandas.RangeIndex(1, self.epochs + 1, name="epoch")
        frame = pandas.DataFrame(self.rows, index=index, columns=list(self.names), dtype=object)
        return frame.astype(dict.fromkeys(self._numbers(), float))

    def _numbers(self) -> list[str]:
        """The names of those that are a number for each epoch."""
        return [name for name in self.names if not any(isinstance(row[name], np.ndarray) for row in self.rows)]

    def state_dict(self) -> list[dict[str, Any]]:
        """The rows."""
        return [dict(row) for row in self.rows]

    def load_state_dict(self, state: Any) -> None:
        """Go on from the rows of a history with the same names."""
        for row in state:
            if tuple(row) != self.names:
                raise ValueError(f"this history has {', '.join(self.names)}; that of the state has {', '.join(row)}")
        self.rows[:] = map(dict, state)


def as_text(row: Mapping[str, Any]) -> str:
    """The numbers of an epoch in a line."""
    return ", ".join(f"{name.replace('_', ' ')} {number_or_shape(x)}" for name, x in row.items())


def number_or_shape(x: Any) -> str:
    """A number, or what stands for an array where there is no room for one."""
    return f"array {x.shape}" if isinstance(x, np.ndarray) else f"{x:.4g}"
