"""The history of a training run, epoch by epoch."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..core.display import html_table

VALIDATION = "validation_"
FEW = 5  # epochs at the beginning and at the end, which a notebook shows


class History(Mapping[str, list[float]]):
    """The results of a training run by name: a list with a number for each epoch.

    Attributes
    ----------
    rows : list of dict
        The same by epoch.
    interrupted : bool
        Whether Ctrl-C ended the training. The epoch that was under way is not among the rows.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self.rows: list[dict[str, float]] = []
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
        numbered = [[f"{i}", *(f"{x:.4g}" for x in row.values())] for i, row in enumerate(self.rows, 1)]
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
        names = [name for name in self.names if not name.startswith(VALIDATION)]
        figure, panels = pyplot.subplots(1, len(names), figsize=(4.8 * len(names), 3.6), squeeze=False)
        for name, panel in zip(names, panels[0], strict=True):
            for curve, label in ((name, "training"), (VALIDATION + name, "validation")):
                if curve in self.names:
                    panel.plot(range(1, self.epochs + 1), self[curve], label=label, marker=".")
            panel.set(xlabel="epoch", ylabel=name)
            panel.legend()
        figure.tight_layout()
        return figure

    def frame(self) -> Any:
        """A frame of pandas with a row for each epoch, from 1, and a column for each name.

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
        return pandas.DataFrame(self.rows, index=index, columns=list(self.names), dtype=float)

    def state_dict(self) -> list[dict[str, float]]:
        """The rows."""
        return [dict(row) for row in self.rows]

    def load_state_dict(self, state: Any) -> None:
        """Go on from the rows of a history with the same names."""
        for row in state:
            if tuple(row) != self.names:
                raise ValueError(f"this history has {', '.join(self.names)}; that of the state has {', '.join(row)}")
        self.rows[:] = map(dict, state)


def as_text(row: Mapping[str, float]) -> str:
    """The numbers of an epoch in a line."""
    return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in row.items())
