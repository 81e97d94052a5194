"""Makes sequences_reference.json: PyTorch's layers of sequences, to second order. Needs torch: run it by hand.

python -m tests.nn.make_sequences_reference

Arrays are drawn, and summed up in products, as in make_layers_reference.
"""

import json
import pathlib

from .make_layers_reference import as_arrays, case, drawn, leaves, products

FILE = pathlib.Path(__file__).with_name("sequences_reference.json")


def recurrent():
    for name in ("RNN", "GRU", "LSTM"):
        states = 2 if name == "LSTM" else 1
        lengths = {"lengths": [2, 5, 1]}
        yield case(name, 3, 4, inputs=[[5, 2, 3]])
        yield case(name, 3, 4, inputs=[[5, 3, 3], *[[1, 3, 4]] * states], call=lengths)
        yield case(
            name, 3, 4, inputs=[[3, 5, 3], *[[4, 3, 4]] * states], call=lengths,
            num_layers=2, bidirectional=True, batch_first=True,
        )  # fmt: skip
        yield case(f"{name}Cell", 3, 4, inputs=[[2, 3], *[[2, 4]] * states])
        yield case(f"{name}Cell", 3, 4, inputs=[[3]], bias=False)
    yield case("RNN", 3, 4, inputs=[[5, 3, 3], [1, 3, 4]], call=lengths, nonlinearity="relu")
    yield case("RNNCell", 3, 4, inputs=[[2, 3], [2, 4]], nonlinearity="relu")
    two = {"num_layers": 2, "bidirectional": True}
    yield case("LSTM", 3, 4, inputs=[[5, 2, 3]], proj_size=2)
    yield case("LSTM", 3, 4, inputs=[[5, 2, 3], [4, 2, 2], [4, 2, 4]], proj_size=2, **two)
    yield case("LSTM", 3, 4, inputs=[[5, 3, 3], [4, 3, 3], [4, 3, 4]], call=lengths, proj_size=3, bias=False, **two)


AHEAD = [[j > i for j in range(4)] for i in range(4)]
BARRED = [[False, True, False], [False, False, True], [True, False, False], [False, False, False]]
ADDED = [[0.5, -1.0, 0.0], [2.0, 0.25, -0.5], [-1.5, 1.0, 1.0], [0.0, 0.0, 3.0]]
PADDING = {
    "tgt_key_padding_mask": [[False] * 4, [False, False, True, True]],
    "memory_key_padding_mask": [[False, True, False], [False] * 3],
}


def transformers():
    for options in (
        {},
        {"norm_first": True, "activation": "gelu"},
        {"batch_first": True, "bias": False, "layer_norm_eps": 1e-3},
    ):
        x, memory = ([2, 4, 6], [2, 3, 6]) if "batch_first" in options else ([4, 2, 6], [3, 2, 6])
        options = {"dropout": 0.0, **options}
        yield case("TransformerEncoderLayer", 6, 2, 5, inputs=[x], call={"src_mask": AHEAD}, **options)
        yield case("TransformerEncoder", 6, 2, 5, inputs=[x], **options)
        causal = {"tgt_mask": AHEAD, "memory_mask": BARRED}
        yield case("TransformerDecoderLayer", 6, 2, 5, inputs=[x, memory], **options)
        yield case("TransformerDecoderLayer", 6, 2, 5, inputs=[x, memory], call=causal | PADDING, **options)
        yield case("TransformerDecoder", 6, 2, 5, inputs=[x, memory], call={"memory_mask": ADDED}, **options)
    padding = {"src_key_padding_mask": PADDING["tgt_key_padding_mask"], "mask": AHEAD}
    yield case("TransformerEncoder", 6, 3, 5, inputs=[[4, 2, 6]], call=padding, dropout=0.0)
    masks = {"src_key_padding_mask": [[False] * 4, [False, False, True, True]], "tgt_mask": [r[:3] for r in AHEAD[:3]]}
    yield case("Transformer", 6, 2, 2, 1, 5, inputs=[[4, 2, 6], [3, 2, 6]], call=masks, dropout=0.0)
    for interleaved in (False, True):
        yield case("rotary_embedding", inputs=[[2, 3, 5, 6]], call={"interleaved": interleaved})
        call = {"interleaved": interleaved, "base": 100.0, "positions": [[[3, 0, 7]], [[1, 2, 3]]]}
        yield case("rotary_embedding", inputs=[[2, 4, 3, 8]], call=call)


CASES = [*recurrent(), *transformers()]


def made(nn, case, **others):
    """The layer of a case, or the function; a stack has two layers, and a normalisation at its end."""
    name = case["name"]
    if hasattr(nn, f"{name}Layer"):
        layer = getattr(nn, f"{name}Layer")(*case["args"], **case["options"])
        return getattr(nn, name)(layer, 2, nn.LayerNorm(case["args"][0]), **others)
    return getattr(nn, name)(*case["args"], **case["options"]) if hasattr(nn, name) else None


def rotary_embedding(x, interleaved, base=10000.0, positions=None):
    """Pairs as complex numbers, times numbers of length 1; the values are those of PyTorch's operator for ONNX."""
    import torch

    pairs = x.shape[-1] // 2
    positions = torch.arange(x.shape[-2]) if positions is None else positions
    angles = positions[..., None] * base ** (-torch.arange(pairs) / pairs)
    apart = x.unflatten(-1, (pairs, 2) if interleaved else (2, pairs))
    z = torch.view_as_complex((apart if interleaved else apart.mT).contiguous())
    y = torch.view_as_real(z * torch.polar(torch.ones_like(angles), angles))
    y = (y if interleaved else y.mT).reshape(x.shape)
    rows = angles.expand(len(x), x.shape[1], *angles.shape[-2:])[:, 0]
    ours = torch.onnx.ops.rotary_embedding(x.detach(), rows.cos(), rows.sin(), interleaved=interleaved)
    torch.testing.assert_close(y.detach(), ours)
    return y


def arguments(case, inputs):
    """The inputs as a layer takes them: the states of LSTMs are in a pair."""
    return [inputs[0], tuple(inputs[1:])] if "LSTM" in case["name"] and len(inputs) > 1 else inputs


def called(case, layer, inputs):
    """The outputs of a layer of PyTorch's; of lengths it knows by packed sequences."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    call = as_arrays(case["call"], torch.tensor)
    if "lengths" not in call:
        with sdpa_kernel(SDPBackend.MATH):  # others have no second derivative
            return leaves(layer(*arguments(case, inputs), **call))
    x, *state = arguments(case, inputs)
    packed = pack_padded_sequence(x, call["lengths"], layer.batch_first, enforce_sorted=False)
    y, last = layer(packed, *state)
    return leaves((pad_packed_sequence(y, layer.batch_first)[0], last))


def reference(case):
    """What PyTorch makes of a case: the shapes of the state, and products of outputs and derivatives."""
    import torch

    torch.set_default_dtype(torch.float64)
    inputs = [torch.tensor(drawn(f"input {i}", shape), requires_grad=True) for i, shape in enumerate(case["inputs"])]
    layer = made(torch.nn, case, **({"enable_nested_tensor": False} if case["name"] == "TransformerEncoder" else {}))
    if layer is None:
        layer, params = rotary_embedding, {}
    else:
        layer.load_state_dict({name: torch.tensor(drawn(name, p.shape)) for name, p in layer.state_dict().items()})
        params = dict(layer.named_parameters())
    outputs = called(case, layer, inputs)
    loss = sum(torch.sum(y * torch.tensor(drawn(f"cotangent {i}", y.shape))) for i, y in enumerate(outputs))
    firsts = torch.autograd.grad(loss, [*inputs, *params.values()], create_graph=True)
    along = sum(torch.sum(g * torch.tensor(drawn(f"direction {i}", g.shape))) for i, g in enumerate(firsts))
    along = along + 0 * loss  # of a linear function the gradient depends on nothing
    seconds = torch.autograd.grad(along, [*inputs, *params.values()], materialize_grads=True)
    keys = [*(f"input {i}" for i in range(len(inputs))), *params]
    return {
        "state": {name: list(p.shape) for name, p in params.items()},
        "outputs": [products(y.detach(), f"output {i}") for i, y in enumerate(outputs)],
        "firsts": [products(g.detach(), key) for key, g in zip(keys, firsts, strict=True)],
        "seconds": [products(g, key) for key, g in zip(keys, seconds, strict=True)],
    }


if __name__ == "__main__":
    FILE.write_text("[" + ",\n".join(json.dumps(reference(case), separators=(",", ":")) for case in CASES) + "]\n")
