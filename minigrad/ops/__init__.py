"""The public functions of arrays."""
