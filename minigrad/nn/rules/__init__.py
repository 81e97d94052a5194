"""The derivative rules of layers: in plain NumPy, like those of `minigrad.rules`, and written once like them."""
