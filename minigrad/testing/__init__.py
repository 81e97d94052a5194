"""Checking derivatives: of minigrad's own rules, and of anyone's."""

from .gradcheck import check_vjp, gradcheck, gradgradcheck
from .report import Report

__all__ = ["Report", "check_vjp", "gradcheck", "gradgradcheck"]
