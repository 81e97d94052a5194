"""Makes spatial_reference.json: functions of images by PyTorch, with first and second derivatives. Run it by hand.

python -m tests.nn.make_spatial_reference

As in make_layers_reference.py, arrays are drawn from seeds, and of each the file has three products with others.
"""

import json
import pathlib

from .make_layers_reference import drawn, products

FILE = pathlib.Path(__file__).with_name("spatial_reference.json")


def case(name, *shapes, **options):
    return {"name": name, "shapes": shapes, "options": options}


def convolutions():
    volume, kernel = [2, 4, 5, 4, 6], [6, 2, 3, 2, 3]
    yield case("conv3d", volume, [3, 4, 2, 3, 2], [3])
    yield case("conv3d", volume, kernel, [6], stride=[2, 1, 2], padding=[1, 0, 2], dilation=[1, 2, 1], groups=2)
    yield case("conv3d", volume, [4, 4, 1, 2, 3], padding="same", dilation=[1, 1, 2])
    yield case("conv1d", [2, 4, 9], [6, 2, 3], [6], stride=2, padding=2, dilation=2, groups=2)
    yield case("conv2d", [2, 4, 5, 6], [8, 1, 3, 3], [8], padding=1, groups=4)
    yield case("conv2d", [2, 4, 7, 6], [4, 1, 2, 3], stride=[2, 1], padding=[1, 2], dilation=[2, 1], groups=4)
    yield case("conv2d", [2, 6, 5, 4], [9, 2, 2, 2], [9], groups=3)
    yield case("conv_transpose1d", [2, 4, 5], [4, 3, 3], [3])
    yield case("conv_transpose1d", [2, 4, 5], [4, 2, 3], stride=3, padding=1, output_padding=2, groups=2, dilation=2)
    yield case("conv_transpose2d", [2, 4, 3, 5], [4, 1, 3, 2], [4], stride=2, padding=1, groups=4)
    yield case("conv_transpose3d", [2, 4, 3, 2, 3], [4, 3, 2, 3, 2], [3])
    more = {"stride": [1, 2, 3], "padding": [1, 0, 1], "output_padding": [0, 1, 2], "dilation": [2, 1, 1]}
    yield case("conv_transpose3d", [2, 4, 3, 2, 3], [4, 3, 2, 3, 2], [6], groups=2, **more)


CASES = [*convolutions()]


def weighed(name, y):
    """Cotangents for an output, the same here and in the tests."""
    return drawn(f"cotangent of {name}", y.shape)


def reference(case):
    """What PyTorch makes of a case: products of the output, of gradients, and of their derivatives; and indices."""
    import torch

    torch.set_default_dtype(torch.float64)
    name, shapes = case["name"], case["shapes"]
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in case["options"].items()}
    inputs = [torch.tensor(drawn(f"input {i}", shape), requires_grad=True) for i, shape in enumerate(shapes)]
    along = [torch.tensor(drawn(f"direction {i}", shape)) for i, shape in enumerate(shapes)]
    result = getattr(torch.nn.functional, name)(*inputs, **options)
    y, *indices = result if isinstance(result, tuple) else (result,)
    first = torch.autograd.grad(torch.sum(torch.tanh(y) * torch.tensor(weighed(name, y))), inputs, create_graph=True)
    second = torch.autograd.grad(sum(torch.sum(g * d) for g, d in zip(first, along, strict=True)), inputs)
    return {
        "shape": list(y.shape),
        "indices": [x.reshape(-1).tolist() for x in indices],
        "output": products(y.detach(), "output"),
        "first": [products(g.detach(), f"first {i}") for i, g in enumerate(first)],
        "second": [products(g.detach(), f"second {i}") for i, g in enumerate(second)],
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps([reference(case) for case in CASES], separators=(",", ":")) + "\n")
