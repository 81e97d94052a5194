"""Makes layers_reference.json: what PyTorch's layers answer, and their gradients. Needs torch: run it by hand.

python -m tests.nn.make_layers_reference

All arrays are drawn by NumPy, here as in the tests, from seeds. Of each array that comes out the file has three
products with arrays drawn in the same way: an error in any element shows in all three.
"""

import json
import pathlib

import numpy as np

FILE = pathlib.Path(__file__).with_name("layers_reference.json")
PRODUCTS = 3


def drawn(key, shape):
    """Normal numbers, always the same for a key."""
    return np.random.default_rng(list(key.encode())).normal(size=tuple(shape))


def products(array, key):
    """Products of an array with others of its shape."""
    array = np.asarray(array)
    return [float(np.sum(array * drawn(f"{key} {i}", array.shape))) for i in range(PRODUCTS)]


def case(name, *args, inputs, call=None, **options):
    return {"name": name, "args": args, "options": options, "inputs": inputs, "call": call or {}}


def convolutions():
    image, five = [2, 4, 7, 6], [3, 4, 5, 5]
    yield case("Conv2d", 4, 6, 3, inputs=[image])
    yield case("Conv2d", 4, 6, [2, 3], inputs=[image], stride=[2, 1], padding=[1, 2], bias=False)
    yield case("Conv2d", 4, 6, 3, inputs=[image], padding=2, dilation=[2, 1], groups=2)
    yield case("Conv2d", 4, 8, [1, 2], inputs=[image], stride=3, padding=1, dilation=3, groups=4)
    yield case("Conv2d", 4, 6, [2, 5], inputs=[image], padding="same")
    yield case("Conv2d", 4, 6, [4, 2], inputs=[image], padding="same", dilation=[1, 3])
    yield case("Conv2d", 4, 6, 3, inputs=[image], padding="valid")
    yield case("Conv2d", 4, 6, 1, inputs=[[1, 4, 1, 1]])
    yield case("Conv1d", 4, 6, 3, inputs=[[2, 4, 9]])
    yield case("Conv1d", 4, 6, 2, inputs=[[2, 4, 9]], stride=2, padding=1, dilation=3, groups=2)
    yield case("Conv1d", 4, 6, 4, inputs=[[2, 4, 9]], padding="same", bias=False)
    yield case("ConvTranspose2d", 4, 6, 3, inputs=[five])
    yield case("ConvTranspose2d", 4, 6, [2, 3], inputs=[five], stride=[2, 3], padding=1, output_padding=[1, 2])
    yield case("ConvTranspose2d", 4, 6, 3, inputs=[five], stride=2, dilation=[1, 2], groups=2, bias=False)


def poolings():
    for name in ("MaxPool2d", "AvgPool2d"):
        yield case(name, 2, inputs=[[2, 3, 6, 4]])
        yield case(name, [3, 2], inputs=[[2, 3, 7, 6]], stride=[2, 1], padding=1)
        yield case(name, 2, inputs=[[2, 3, 7, 5]])
    yield case("MaxPool2d", 2, inputs=[[2, 3, 7, 6]], stride=1, dilation=[2, 3])
    yield case("AvgPool2d", 3, inputs=[[2, 3, 7, 6]], stride=2, padding=1, count_include_pad=False)


def recurrent():
    for name in ("RNN", "GRU", "LSTM"):
        states = 2 if name == "LSTM" else 1
        yield case(name, 3, 4, inputs=[[5, 2, 3]])
        yield case(name, 3, 4, inputs=[[2, 5, 3], *[[2, 2, 4]] * states], num_layers=2, batch_first=True)
        yield case(name, 3, 4, inputs=[[5, 2, 3], *[[4, 2, 4]] * states], num_layers=2, bidirectional=True, bias=False)
    yield case("RNN", 3, 4, inputs=[[5, 2, 3]], nonlinearity="relu", bidirectional=True)


BARRED = [[False, True, False], [False, False, True], [True, False, False], [False, False, False]]
ADDED = [[0.5, -1.0, 0.0], [2.0, 0.25, -0.5], [-1.5, 1.0, 1.0], [0.0, 0.0, 3.0]]
PADDING = [[False, False, True], [False, False, False]]


def attention():
    q, kv = [4, 2, 6], [3, 2, 6]
    yield case("MultiheadAttention", 6, 2, inputs=[q, kv, kv])
    yield case("MultiheadAttention", 6, 3, inputs=[[2, 4, 6], *[[2, 3, 6]] * 2], batch_first=True, bias=False)
    yield case("MultiheadAttention", 6, 2, inputs=[q, kv, kv], call={"attn_mask": BARRED, "key_padding_mask": PADDING})
    yield case("MultiheadAttention", 6, 2, inputs=[q, kv, kv], call={"attn_mask": ADDED})
    per_head = {"attn_mask": [BARRED, BARRED[::-1], BARRED, BARRED[1:] + BARRED[:1]], "average_attn_weights": False}
    yield case("MultiheadAttention", 6, 2, inputs=[q, kv, kv], call=per_head)
    name = "scaled_dot_product_attention"
    shapes = [[2, 3, 4, 5], [2, 3, 3, 5], [2, 3, 3, 2]]
    yield case(name, inputs=shapes)
    yield case(name, inputs=shapes, call={"is_causal": True})
    yield case(name, inputs=shapes, call={"scale": 0.3, "attn_mask": BARRED})
    yield case(name, inputs=shapes, call={"attn_mask": ADDED})


def transformers():
    causal = {"src_mask": [[j > i for j in range(4)] for i in range(4)]}
    for options in (
        {},
        {"norm_first": True, "activation": "gelu"},
        {"batch_first": True, "bias": False, "layer_norm_eps": 1e-3},
    ):
        x = [2, 4, 6] if "batch_first" in options else [4, 2, 6]
        padding = {"src_key_padding_mask": [[False] * 4, [False, False, True, True]]}
        for call in ({}, causal, padding):
            yield case("TransformerEncoderLayer", 6, 2, 5, inputs=[x], call=call, dropout=0.0, **options)


def frames():
    for mode in ("reflect", "replicate", "circular"):
        yield case("Conv1d", 4, 6, 3, inputs=[[2, 4, 9]], padding=2, stride=2, padding_mode=mode)
        yield case("Conv2d", 4, 6, 3, inputs=[[2, 4, 7, 6]], padding=[2, 1], groups=2, padding_mode=mode)
    yield case("Conv2d", 4, 6, [2, 5], inputs=[[2, 4, 7, 6]], padding="same", padding_mode="reflect", bias=False)


CASES = [*convolutions(), *poolings(), *recurrent(), *attention(), *transformers(), *frames()]


def as_arrays(call, convert):
    """The arguments of a call, with lists as arrays."""
    return {name: convert(np.array(value)) if isinstance(value, list) else value for name, value in call.items()}


def leaves(outputs):
    """The arrays in nested tuples."""
    return [x for part in outputs for x in leaves(part)] if isinstance(outputs, tuple) else [outputs]


def arguments(case, inputs):
    """The inputs as a layer takes them: LSTM has its states in a pair."""
    return [inputs[0], tuple(inputs[1:])] if case["name"] == "LSTM" and len(inputs) > 1 else inputs


def reference(case):
    """What PyTorch makes of a case: the shapes of the state, and products of outputs and gradients."""
    import torch

    torch.set_default_dtype(torch.float64)
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in case["options"].items()}
    args = [tuple(a) if isinstance(a, list) else a for a in case["args"]]
    inputs = [torch.tensor(drawn(f"input {i}", shape), requires_grad=True) for i, shape in enumerate(case["inputs"])]
    call, params = as_arrays(case["call"], torch.tensor), {}
    if hasattr(torch.nn, case["name"]):
        layer = getattr(torch.nn, case["name"])(*args, **options)
        state = {name: torch.tensor(drawn(name, p.shape)) for name, p in layer.state_dict().items()}
        layer.load_state_dict(state)
        params = dict(layer.named_parameters())
    else:
        layer = getattr(torch.nn.functional, case["name"])
    outputs = leaves(layer(*arguments(case, inputs), **call))
    sum(torch.sum(y * torch.tensor(drawn(f"cotangent {i}", y.shape))) for i, y in enumerate(outputs)).backward()
    return {
        "state": {name: list(p.shape) for name, p in params.items()},
        "outputs": [products(y.detach(), f"output {i}") for i, y in enumerate(outputs)],
        "inputs": [products(x.grad, f"input {i}") for i, x in enumerate(inputs)],
        "gradients": {name: products(p.grad, name) for name, p in params.items()},
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps([reference(case) for case in CASES], separators=(",", ":")) + "\n")
