"""The exceptions that someone would catch."""


class GraphError(RuntimeError):
    """A graph cannot be differentiated: there is none, it was freed, or its inputs have changed."""


class DetachedError(TypeError):
    """Plain numbers were asked of an array through which a derivative flows; it would have been lost in silence."""


class LevelError(RuntimeError):
    """An array watched by one transformation was used outside of it, or in another."""


class NoRuleError(TypeError):
    """A function has no derivative rule, for an argument or an option that it was called with."""


class RuleError(TypeError):
    """A derivative rule returned something that cannot be a derivative."""


class BatchError(TypeError):
    """A function mapped by `vmap` needs a single value of what differs between the entries of the batch."""


class AnomalyError(ArithmeticError):
    """An operation, or its derivative, made a NaN or an infinity of finite numbers; see `detect_anomaly`."""


class GradientError(AssertionError):
    """A gradient check failed; the text is the check's report."""


class RecordingError(RuntimeError):
    """A compiled function does what cannot be recorded, so that a replay would not do the same; see `compile`."""


class SolverError(RuntimeError):
    """A solver failed, with what SciPy's returned as `result`; or there is no derivative at what it found."""

    def __init__(self, text: str, result: object = None) -> None:
        super().__init__(text)
        self.result = result


class CheckpointError(OSError):
    """A file could not be saved, was damaged, or was not written by `save`."""


class ExportError(RuntimeError):
    """A module does what a graph of operators cannot say; see `onnx.export`."""
