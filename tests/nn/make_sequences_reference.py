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


CASES = [*recurrent()]


def arguments(case, inputs):
    """The inputs as a layer takes them: the states of LSTMs are in a pair."""
    return [inputs[0], tuple(inputs[1:])] if "LSTM" in case["name"] and len(inputs) > 1 else inputs


def called(case, layer, inputs):
    """The outputs of a layer of PyTorch's; of lengths it knows by packed sequences."""
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    call = as_arrays(case["call"], torch.tensor)
    if "lengths" not in call:
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
    layer = getattr(torch.nn, case["name"])(*case["args"], **case["options"])
    layer.load_state_dict({name: torch.tensor(drawn(name, p.shape)) for name, p in layer.state_dict().items()})
    params = dict(layer.named_parameters())
    outputs = called(case, layer, inputs)
    loss = sum(torch.sum(y * torch.tensor(drawn(f"cotangent {i}", y.shape))) for i, y in enumerate(outputs))
    firsts = torch.autograd.grad(loss, [*inputs, *params.values()], create_graph=True)
    along = sum(torch.sum(g * torch.tensor(drawn(f"direction {i}", g.shape))) for i, g in enumerate(firsts))
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
