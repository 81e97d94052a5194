"""Makes parametrizations.npz: PyTorch's weight and spectral norm in training. Needs torch: run it by hand.

python -m tests.nn.make_parametrizations_reference
"""

import pathlib

import numpy as np

from .make_layers_reference import drawn

FILE = pathlib.Path(__file__).with_name("parametrizations.npz")
# layer, its arguments, the shape of its input, the parametrisation, and its options
CASES = {
    "linear weight": ("Linear", (4, 3), (5, 4), "weight_norm", {}),
    "convolution weight": ("Conv2d", (2, 3, 2), (2, 2, 4, 5), "weight_norm", {}),
    "transposed weight": ("ConvTranspose2d", (2, 3, 2), (2, 2, 3, 3), "weight_norm", {}),
    "linear spectral": ("Linear", (4, 3), (5, 4), "spectral_norm", {}),
    "convolution spectral": ("Conv2d", (2, 3, 2), (2, 2, 4, 5), "spectral_norm", {"n_power_iterations": 3}),
    "transposed spectral": ("ConvTranspose2d", (2, 3, 2), (2, 2, 3, 3), "spectral_norm", {"eps": 1e-6}),
}
STEPS = 3


def reference(torch, key):
    """The state before, outputs of steps of SGD, gradients of the last one, the state after, and an output in eval."""
    name, args, shape, kind, options = CASES[key]
    layer = getattr(torch.nn.utils.parametrizations, kind)(getattr(torch.nn, name)(*args), **options)
    for parameter_name, p in layer.named_parameters():
        p.data = torch.tensor(drawn(f"{key} {parameter_name}", p.shape))
    out = {f"{key}/before/{k}": v.numpy().copy() for k, v in layer.state_dict().items()}
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    for step in range(STEPS):
        x = torch.tensor(drawn(f"{key} {step}", shape))
        optimizer.zero_grad()
        y = layer(x)
        torch.sum(torch.tanh(y)).backward()
        out[f"{key}/y{step}"] = y.detach().numpy()
        optimizer.step()
    out |= {f"{key}/gradient/{k}": p.grad.numpy() for k, p in layer.named_parameters()}
    out |= {f"{key}/after/{k}": v.numpy().copy() for k, v in layer.state_dict().items()}
    return {**out, f"{key}/eval": layer.eval()(x).detach().numpy()}


if __name__ == "__main__":
    import torch

    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    arrays = {}
    for key in CASES:
        arrays |= reference(torch, key)
    np.savez_compressed(FILE, **arrays)
