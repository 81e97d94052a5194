"""What helps to test functions of arrays and their derivatives."""

from .strict import StrictArray as StrictArray
