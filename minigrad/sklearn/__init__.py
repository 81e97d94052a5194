"""Networks as estimators of scikit-learn: the extra `sklearn`."""

from importlib.util import find_spec

if find_spec("sklearn") is None:
    raise ImportError(  # pragma: no cover: tested in a process of its own
        "minigrad.sklearn needs scikit-learn, of the extra 'sklearn'. Install it: python -m pip install scikit-learn, "
        "or python -m pip install '.[sklearn]' in the checkout"
    )

from .classifier import NetworkClassifier
from .regressor import NetworkRegressor

__all__ = ["NetworkClassifier", "NetworkRegressor"]
