"""Bars that show how far an epoch is, by tqdm."""

import sys
from collections.abc import Callable
from typing import Any, Self


class NoBar:
    """What is shown where no bar is: nothing."""

    def __init__(self, title: str, loader: Any) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def update(self) -> None:
        pass

    def set_postfix_str(self, text: str, refresh: bool = True) -> None:
        pass


class Lines(NoBar):
    """A line for each epoch that is over."""

    def __init__(self, title: str, loader: Any) -> None:
        self.title, self.text = title, ""

    def set_postfix_str(self, text: str, refresh: bool = True) -> None:
        self.text = text

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            print(f"{self.title}: {self.text}", file=sys.stderr)


class OneBar(NoBar):
    """A bar for all epochs of a training, which begins anew with each: a notebook keeps every bar that it has shown."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make = make
        self.bar: Any = None

    def __call__(self, title: str, loader: Any) -> Self:
        if self.bar is None:
            self.bar = self.make(total=length_of(loader), unit="batch")
        else:
            self.bar.reset(length_of(loader))
        self.bar.set_description(title)
        return self

    def update(self) -> None:
        self.bar.update()

    def set_postfix_str(self, text: str, refresh: bool = True) -> None:
        self.bar.set_postfix_str(text, refresh)

    def __exit__(self, *error: object) -> None:
        self.bar.refresh()


def bar_of(progress: bool | str | None) -> Callable[[str, Any], Any]:
    """What makes a bar from a title and a loader: True for one, or for lines in a log; None for one in a terminal."""
    if progress == "lines":
        return Lines
    if progress not in (True, False, None):
        raise ValueError(f'progress is True, False, "lines" or None; got {progress!r}')
    terminal = sys.stderr.isatty()
    if progress is False or (progress is None and not terminal):
        return NoBar
    try:
        from tqdm import auto, notebook
    except ImportError as error:
        if progress is None:
            return NoBar
        raise ImportError("a progress bar needs tqdm, of the extra 'progress'. Install it: pip install tqdm") from error
    if issubclass(auto.tqdm, notebook.tqdm):
        return OneBar(auto.tqdm)
    if not terminal:
        return Lines
    return lambda title, loader: auto.tqdm(desc=title, total=length_of(loader), unit="batch", dynamic_ncols=True)


def length_of(loader: Any) -> int | None:
    """How many batches a loader gives, if it knows: one of a stream may have a length that raises."""
    try:
        return len(loader)
    except (TypeError, NotImplementedError):
        return None
