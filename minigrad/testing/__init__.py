"""Checking derivatives: of minigrad's own rules, and of anyone's."""

from .assertions import assert_allclose
from .gradcheck import check_vjp, gradcheck, gradgradcheck
from .report import Report
from .strict import StrictArray

__all__ = ["Report", "StrictArray", "assert_allclose", "check_vjp", "gradcheck", "gradgradcheck"]
