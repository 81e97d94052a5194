"""Networks as graphs of ONNX, which other programs run: the extra `onnx`."""

from .exporting import export

__all__ = ["export"]
