"""Checking derivatives: of minigrad's own rules, and of anyone's."""

from minigrad.testing.gradcheck import check_vjp
from minigrad.testing.report import Report

__all__ = ["Report", "check_vjp"]
