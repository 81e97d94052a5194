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


def poolings():
    sizes = {1: [2, 3, 11], 2: [2, 3, 7, 10], 3: [1, 2, 5, 6, 7]}
    for n, size in sizes.items():
        largest, mean = f"max_pool{n}d", f"avg_pool{n}d"
        yield case(largest, size, kernel_size=2, return_indices=True)
        yield case(largest, size, kernel_size=3, stride=2, padding=1, ceil_mode=True, return_indices=True)
        yield case(largest, size, kernel_size=2, stride=3, dilation=2, ceil_mode=True, return_indices=True)
        yield case(mean, size, kernel_size=3, stride=2)
        for counted in (True, False):
            yield case(mean, size, kernel_size=3, stride=2, padding=1, ceil_mode=True, count_include_pad=counted)
            yield case(mean, size, kernel_size=4, stride=3, ceil_mode=True, count_include_pad=counted)
            yield case(mean, size, kernel_size=2, padding=1, count_include_pad=counted)
        yield case(f"adaptive_avg_pool{n}d", size, output_size=1)
        yield case(f"adaptive_avg_pool{n}d", size, output_size=3)
        yield case(f"adaptive_avg_pool{n}d", size, output_size=max(size) + 2)
        yield case(f"adaptive_max_pool{n}d", size, output_size=1, return_indices=True)
        yield case(f"adaptive_max_pool{n}d", size, output_size=4, return_indices=True)
        yield case(f"adaptive_max_pool{n}d", size, output_size=max(size) + 2, return_indices=True)
    options = {"kernel_size": [2, 3], "stride": [2, 1], "padding": [1, 0]}
    yield case("max_pool2d", sizes[2], dilation=[1, 2], ceil_mode=True, return_indices=True, **options)
    yield case("avg_pool2d", sizes[2], ceil_mode=True, divisor_override=5, **options)
    yield case("avg_pool3d", sizes[3], kernel_size=2, divisor_override=3)
    yield case("max_pool2d", [1, 1, 2, 2], kernel_size=4, ceil_mode=True, return_indices=True)
    yield case("adaptive_avg_pool2d", sizes[2], output_size=[None, 5])
    yield case("adaptive_avg_pool2d", sizes[2], output_size=[7, 3])
    yield case("adaptive_max_pool2d", sizes[2], output_size=[4, None], return_indices=True)


def resizings():
    sizes = {"linear": [2, 3, 7], "bilinear": [2, 3, 5, 7], "trilinear": [1, 2, 3, 4, 5], "bicubic": [2, 3, 5, 7]}
    for mode, shape in sizes.items():
        for aligned in (False, True):
            yield case("interpolate", shape, size=[11, 4, 6][: len(shape) - 2], mode=mode, align_corners=aligned)
            yield case("interpolate", shape, scale_factor=1.7, mode=mode, align_corners=aligned)
            yield case("interpolate", shape, size=1, mode=mode, align_corners=aligned)
        yield case("interpolate", shape, scale_factor=1.3, mode=mode, recompute_scale_factor=True)
    for mode in ("nearest", "nearest-exact", "area"):
        for shape in ([2, 3, 7], [2, 3, 5, 7], [1, 2, 3, 4, 5]):
            yield case("interpolate", shape, size=[11, 4, 6][: len(shape) - 2], mode=mode)
            yield case("interpolate", shape, scale_factor=1.7, mode=mode)
            yield case("interpolate", shape, scale_factor=[0.6, 2.0, 1.5][: len(shape) - 2], mode=mode)
    for mode in ("bilinear", "bicubic"):
        yield case("interpolate", [2, 3, 11, 9], size=[4, 5], mode=mode, antialias=True)
        yield case("interpolate", [2, 3, 5, 9], size=[8, 2], mode=mode, antialias=True)
        yield case("interpolate", [2, 3, 11, 9], scale_factor=0.37, mode=mode, antialias=True)


def unfoldings():
    options = {"kernel_size": [2, 3], "dilation": [2, 1], "padding": [1, 2], "stride": [1, 2]}
    yield case("unfold", [2, 3, 5, 6], kernel_size=2)
    yield case("unfold", [2, 3, 5, 6], **options)
    yield case("fold", [2, 12, 20], output_size=[5, 6], kernel_size=2)
    yield case("fold", [2, 18, 20], output_size=[5, 6], **options)
    yield case("pixel_shuffle", [2, 12, 3, 4], upscale_factor=2)
    yield case("pixel_shuffle", [9, 2, 3], upscale_factor=3)
    yield case("pixel_unshuffle", [2, 3, 4, 6], downscale_factor=2)
    yield case("pixel_unshuffle", [2, 2, 1, 6, 3], downscale_factor=3)


CASES = [*convolutions(), *poolings(), *resizings(), *unfoldings()]


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
