"""Functions that make derivatives of functions, each kind of level in a file of its own."""
