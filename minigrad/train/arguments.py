"""What fit refuses, before anything has changed."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..data.frames import is_frame
from ..data.samples import is_arraylike
from ..nn import Module
from ..optim import LBFGS, Optimizer
from ..optim.lr_scheduler import ReduceLROnPlateau
from .callbacks import Callback
from .history import VALIDATION
from .progress import length_of


def check_parts(model: Any, loss: Any, optimizer: Any, loader: Any, validation: Any) -> None:
    """Refuse arguments of the wrong kinds."""
    check_model(model, "fit trains", ". docs/training.md has the loop by hand")
    check_loss(loss)
    if not isinstance(optimizer, Optimizer) or isinstance(optimizer, LBFGS):
        raise TypeError(
            f"fit takes an optimizer from mg.optim that steps once a batch; got a {type(optimizer).__name__}"
        )
    if not {*map(id, optimizer.params)} & {*map(id, model.parameters())}:
        raise ValueError("the optimizer has none of the model's parameters. Make it from those: model.parameters()")
    check_batches("loader", loader)
    if validation is not None:
        check_batches("validation", validation)


def check_model(model: Any, does: str, remedy: str = "") -> None:
    if not isinstance(model, Module):
        raise TypeError(f"{does} an nn.Module; got a {type(model).__name__}{remedy}")


def check_loss(loss: Any) -> None:
    if not callable(loss) or isinstance(loss, type):
        remedy = f". Pass an object of it, as {loss.__name__}()" if isinstance(loss, type) else ""
        raise TypeError(f"loss is a function of outputs and targets; got {loss!r:.60}{remedy}")


def check_batches(name: str, batches: Any) -> None:
    """Refuse what does not give batches, once an epoch."""
    if not hasattr(batches, "__iter__") or hasattr(batches, "__next__") or isinstance(batches, str):
        raise TypeError(
            f"{name} is gone through once an epoch, as a data.DataLoader or a list of batches can be; got a "
            f"{type(batches).__name__}"
        )
    if isinstance(batches, tuple) and len(batches) == 2 and all(hasattr(x, "shape") for x in batches):
        raise TypeError(
            f"{name} gives batches; got a tuple of two arrays, which would be two of them. For their rows, pass "
            f"data.DataLoader((x, y), batch_size=...); for a single batch, [(x, y)]"
        )
    if is_frame(batches) or is_arraylike(batches):
        raise TypeError(
            f"{name} gives batches; got a {type(batches).__name__}. For its rows, pass data.DataLoader((x, y), "
            f"batch_size=...)"
        )
    if length_of(batches) == 0:
        raise ValueError(f"an epoch takes at least one batch; there is none in {name}")


def check_metrics(metrics: Any) -> None:
    if metrics is not None and not isinstance(metrics, Mapping):
        raise TypeError(f"metrics is a dict of functions by name, as {{'accuracy': accuracy}}; got {metrics!r:.60}")
    for name, metric in (metrics or {}).items():
        if not isinstance(name, str) or name == "loss" or name.startswith(VALIDATION) or not callable(metric):
            raise ValueError(
                f'metrics are functions by names other than "loss" and "{VALIDATION}..."; got {name!r}: {metric!r:.60}'
            )


def check_options(
    optimizer: Any,
    metrics: Any,
    schedule: Any,
    schedule_every: Any,
    callbacks: Any,
    checkpoint: Any,
    resume: Any,
    compile: Any,
) -> None:
    """Refuse invalid options."""
    check_metrics(metrics)
    if not isinstance(callbacks, Sequence) or not all(callable(x) or isinstance(x, Callback) for x in callbacks):
        raise TypeError(f"callbacks is a list of functions; got {callbacks!r:.60}")
    for callback in callbacks:
        if isinstance(callback, type):
            raise TypeError(
                f"callbacks holds objects; got the class {callback.__name__}. Make one: {callback.__name__}(...)"
            )
    if schedule is not None and (isinstance(schedule, type) or not hasattr(schedule, "step")):
        raise TypeError(f"schedule is one of mg.optim.lr_scheduler; got {schedule!r:.60}")
    if schedule_every not in ("epoch", "batch"):
        raise ValueError(f'schedule_every is "epoch" or "batch"; got {schedule_every!r}')
    if schedule_every == "batch" and isinstance(schedule, ReduceLROnPlateau):
        raise ValueError("ReduceLROnPlateau looks at the loss of an epoch, so it is stepped once in each")
    if getattr(schedule, "optimizer", optimizer) is not optimizer:
        raise ValueError(
            f"the schedule belongs to another optimizer, whose learning rates it would set. Make it for this "
            f"{type(optimizer).__name__}: {type(schedule).__name__}(optimizer, ...)"
        )
    if compile is not None:
        from ..compile.backends import check_backend  # which not every training needs

        check_backend(compile, "compile", ", or None, which leaves it uncompiled")
    if resume and checkpoint is None:
        raise ValueError("resume=True continues from a checkpoint. Say which: checkpoint=path")
