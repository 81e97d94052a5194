"""The public functions of arrays."""

from .. import composed as composed  # both fill the registry
from .. import rules as rules
