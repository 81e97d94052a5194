"""What recurrent networks have in common: their rules, and their layers.

Each rule is of a function of a whole sequence that returns the states of all steps, the initial one first. As the rule
knows all states, it has the gates, and the factors that a step multiplies cotangents by, for all steps at once; only
the rest goes step by step.

There the shapes are (steps, features, n): then gates are runs of memory, and weights multiply from the left. The
arguments come as one list, for the one rule that serves all of them: p, what a step gets from its input, for each
gate in turn; the weight w and the bias b of the state; and the initial state. `alive` has booleans (steps, n), false
where a sequence rests, as its steps are over or have not begun: its state stays as it is. None is true everywhere.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.door import raise_if, unwrap
from ...core.primitive import multilinear
from ...core.short import public
from ...ops.functions import concat, flip, stack
from ...rules.batching import rewritten
from ..dropout import check_probability, dropout
from ..embedding import as_integers
from ..init import RNG, uniform
from ..module import Module
from ..parameter import Parameter
from ..precision import as_input, floating
from ..sizes import checked_count, checked_flag

# Gates: sigmoid(z) = (1 + tanh(z / 2)) / 2, which neither overflows nor needs two functions.


def sigmoid(z):
    """``1 / (1 + exp(-z))``."""
    z = np.tanh(0.5 * z)
    z *= 0.5
    z += 0.5
    return z


def flat_steps(x):
    """(steps, features, n) as (features, steps * n), so that one product sums over all steps."""
    return x.transpose(1, 0, 2).reshape(x.shape[1], x.shape[0] * x.shape[2])


def in_steps(x, steps):
    """What `flat_steps` was made of, as a view."""
    return x.reshape(len(x), steps, x.shape[1] // steps).transpose(1, 0, 2)


def by_gate(x, gates):
    """(..., gates * features, n) as (..., gates, features, n)."""
    *steps, features, n = x.shape
    return x.reshape(*steps, gates, features // gates, n)


def in_order(x):
    """`x` in C order: results take the order of what they are made of, and another one would slow all steps."""
    return x.reshape(x.size).reshape(x.shape)


def column(b):
    """A bias beside states."""
    return b.reshape(len(b), 1)


def of_input(w, x):
    """What each step gets from its input: ``w @ x[t].T`` for each step t of x, (steps, n, features)."""
    return in_order(in_steps(w @ x.reshape(x.shape[0] * x.shape[1], x.shape[2]).T, len(x)))


of_input = public(
    multilinear(
        of_input,
        lambda g, y, w, x: flat_steps(g) @ x.reshape(x.shape[0] * x.shape[1], x.shape[2]),
        lambda g, y, w, x: (flat_steps(g).T @ w).reshape(x.shape),
        batch=rewritten(lambda w, x: np.matmul(w, np.swapaxes(x, 1, 2))),
    )
)


def masked_state(alive, t, new, old):
    """The state after step t: the new one, or the old one where a sequence rests."""
    return new if alive is None else np.where(alive[t], new, old)


def only_alive(alive, x):
    """`x`, (steps, ..., n), with zeros where a sequence rests."""
    return x if alive is None else x * alive.reshape(len(alive), *(1,) * (x.ndim - 2), alive.shape[1])


def with_rest(alive, t, dh, before):
    """A cotangent or tangent past step t: where a sequence rests, the one before it comes through unchanged."""
    return dh if alive is None else dh + ~alive[t] * before


class Network(Module):
    """What recurrent layers and cells have in common; a subclass has `scan`, and says what gates and states it has."""

    gates = 1
    kinds: tuple[str, ...] = ("h",)  # of states
    input_size: int
    hidden_size: int

    def widths(self) -> list[int]:
        """The number of features of each kind of state."""
        return [self.hidden_size] * len(self.kinds)

    def draw(self, suffix: str, columns: int, bias: bool, rng: np.random.Generator) -> None:
        """Make the parameters of one network."""
        rows, bound = self.gates * self.hidden_size, 1 / math.sqrt(self.hidden_size)
        for key, shape in self.shapes(rows, columns, bias).items():
            fans = (shape[1], shape[0]) if len(shape) == 2 else None
            setattr(self, key + suffix, Parameter(uniform(shape, -bound, bound, rng), fans=fans))

    def shapes(self, rows: int, columns: int, bias: bool) -> dict[str, tuple[int, ...]]:
        """The shapes of the parameters of one network, by name."""
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, columns), "weight_hh": (rows, self.widths()[0])}
        return shapes | ({"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {})

    def run(self, suffix: str, x: Any, starts: list[Any], alive: Any = None) -> tuple[Any, list[Any]]:
        """One network on x, (steps, n, features): its output, (steps, n, hidden_size), and its last states."""
        weight, bias = getattr(self, f"weight_ih{suffix}"), getattr(self, f"bias_ih{suffix}", None)
        p = of_input(weight, x)
        state_weight, state_bias = getattr(self, f"weight_hh{suffix}"), getattr(self, f"bias_hh{suffix}", None)
        if bias is None:
            state_bias = np.zeros_like(weight, shape=len(weight))
        elif self.gates == 3:  # those whose bias of the state has a place of its own
            p = p + bias.reshape(-1, 1)
        else:
            state_bias = bias + state_bias
        return self.states(suffix, [p, state_weight, state_bias, *(start.T for start in starts)], alive)

    def states(self, suffix: str, arrays: list[Any], alive: Any) -> tuple[Any, list[Any]]:
        """What `run` returns, given arrays as the function of the network takes them."""
        y = self.scan(arrays, alive)
        return y[0, 1:].transpose(0, 2, 1), [y[i, -1].T for i in range(len(self.kinds))]

    def scan(self, arrays: list[Any], alive: Any) -> Any:
        """States (kinds, steps + 1, hidden_size, n), given arrays as the function of the network takes them."""
        raise NotImplementedError  # pragma: no cover: abstract

    def checked_states(self, state: Any, *leading: int) -> Sequence[Any]:
        """The initial states, an array (*leading, features) for each kind."""
        shapes = [(*leading, width) for width in self.widths()]
        if state is None:
            weight = getattr(self, "weight_hh_l0" if hasattr(self, "num_layers") else "weight_hh")
            return [np.zeros_like(weight, shape=shape) for shape in shapes]
        alone = len(self.kinds) == 1
        several = isinstance(state, tuple | list) and (not alone or any(hasattr(part, "shape") for part in state))
        got = [np.shape(part) for part in state] if several else [np.shape(state)]
        if several == alone or got != shapes:
            axes = ", ".join((*("layers * directions", "n")[2 - len(leading) :], "features"))
            wanted = " and ".join(map(str, dict.fromkeys(shapes)))
            raise ValueError(
                f"{type(self).__name__} takes initial states {' and '.join(self.kinds)} of shape {wanted}, for "
                f"({axes}); got {self.shapes_in_words(got, several)}"
            )
        states = state if several else [state]
        return [floating(f"the initial state of {type(self).__name__}", as_input(part)) for part in states]

    def shapes_in_words(self, got: list[Any], several: bool) -> str:
        """The shapes of states that do not fit, and what to do where they are too many or too few."""
        shapes, alone = " and ".join(map(str, got)), len(self.kinds) == 1
        if several and alone:
            return f"{len(got)} arrays, of {shapes}. Pass the state h alone"
        return shapes if several or alone else f"one array of shape {shapes}. Pass a pair ({', '.join(self.kinds)})"


class Recurrent(Network):
    """What recurrent layers have in common.

    Parameters
    ----------
    input_size, hidden_size : int >= 1
        The numbers of features.
    num_layers : int >= 1
        Each layer's output is the next one's input.
    bias : bool
        Whether there are biases: two, as in PyTorch.
    batch_first : bool
        Whether sequences have shape (n, steps, features) rather than (steps, n, features).
    dropout : float from 0 to 1
        The probability with which a number between two layers is dropped in training.
    bidirectional : bool
        Whether another network goes through each sequence from its end; its output comes after the first one's.
    rng : np.random.Generator, seed or None
        Draws the parameters, uniformly in ±1 / sqrt(hidden_size), and then what is dropped.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        rng: RNG = None,
    ) -> None:
        name = type(self).__name__
        self.input_size = checked_count(f"input_size of {name}", input_size, 1)
        self.hidden_size = checked_count(f"hidden_size of {name}", hidden_size, 1)
        self.num_layers = checked_count(f"num_layers of {name}", num_layers, 1)
        bias = checked_flag(f"bias of {name}", bias)
        self.batch_first = checked_flag(f"batch_first of {name}", batch_first)
        self.bidirectional = checked_flag(f"bidirectional of {name}", bidirectional)
        check_probability(dropout)
        self.dropout = dropout
        self._rng = np.random.default_rng(rng)
        for layer in range(num_layers):
            columns = self.widths()[0] * len(self.suffixes(layer)) if layer else input_size
            for suffix in self.suffixes(layer):
                self.draw(suffix, columns, bias, self._rng)

    def suffixes(self, layer: int) -> list[str]:
        """What the parameters' names end with: of a layer's network, and of that for the other direction."""
        return [f"_l{layer}", f"_l{layer}_reverse"][: 2 if self.bidirectional else 1]

    def forward(self, x: Any, state: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        """The output of each step, and the states after the last.

        Parameters
        ----------
        x : array of shape (steps, n, input_size), or (n, steps, input_size) if `batch_first`
        state : array of shape (num_layers * directions, n, hidden_size), or for LSTM a pair of such, optional
            The states before the first step, a layer's two directions together; zeros if not given.
        lengths : integers of shape (n,), optional
            How many steps each sequence has, from 1 on; what comes after them in `x` is padding, which is not read,
            whatever it is. The output there is 0, the last state is the one after the last step of each, and the other
            direction begins at that step: what PyTorch computes of a packed sequence. The order of lengths is free.

        Returns
        -------
        output : array of shape (steps, n, hidden_size * directions), or (n, steps, ...) if `batch_first`
            The states h of the last layer.
        state
            Like the argument, after the last step.

        Raises
        ------
        TypeError
            If lengths are not integers.
        ValueError
            If shapes do not fit, there is no step, or a length is out of range.
        """
        x = self.checked_input(x)
        alive = None if lengths is None else self.steps_within(lengths, *x.shape[:2])
        x = kept_steps(alive, x)
        starts = self.checked_states(state, self.num_layers * len(self.suffixes(0)), x.shape[1])
        ends: list[list[Any]] = []
        for layer in range(self.num_layers):
            x = dropout(x, self.dropout, self.training, self._rng) if layer else x
            outputs = []
            for suffix in self.suffixes(layer):
                y, end = self.directed(suffix, x, [start[len(ends)] for start in starts], alive)
                outputs.append(y)
                ends.append(end)
            x = concat(outputs, axis=2) if self.bidirectional else outputs[0]
        x = kept_steps(alive, x)
        last = [stack(parts) for parts in zip(*ends, strict=True)]
        return x.transpose(1, 0, 2) if self.batch_first else x, last[0] if len(last) == 1 else tuple(last)

    def directed(self, suffix: str, x: Any, starts: list[Any], alive: Any) -> tuple[Any, list[Any]]:
        """`run`, from the last step to the first if the suffix says so; then the padding, if any, comes first."""
        if not suffix.endswith("_reverse"):
            return self.run(suffix, x, starts, alive)
        y, ends = self.run(suffix, flip(x, axis=0), starts, None if alive is None else np.flip(alive, 0))
        return flip(y, axis=0), ends

    def checked_input(self, x: Any) -> Any:
        """`x` as (steps, n, input_size)."""
        x = as_input(x)
        if x.ndim != 3 or x.shape[2] != self.input_size or 0 in x.shape[:2]:
            axes = "n, steps" if self.batch_first else "steps, n"
            raise ValueError(
                f"{type(self).__name__} takes sequences of shape ({axes}, {self.input_size}), at least one and of at "
                f"least one step; got an array of shape {x.shape}"
            )
        return x.transpose(1, 0, 2) if self.batch_first else x

    def steps_within(self, lengths: Any, steps: int, n: int) -> Any:
        """Booleans (steps, n): which steps each sequence has."""
        lengths = as_integers(name := type(self).__name__, "lengths", lengths)
        if lengths.shape != (n,):
            raise ValueError(f"{name} takes lengths of shape ({n},), for the {n} sequences; got shape {lengths.shape}")
        wanted, found = f"lengths from 1 to {steps}, the number of steps", unwrap(lengths)
        bad = (lengths < 1) | (lengths > steps)
        raise_if(bad, lambda: ValueError(f"{name} takes {wanted}; got lengths from {found.min()} to {found.max()}"))
        return np.arange(steps, like=found).reshape(-1, 1) < lengths


def kept_steps(alive: Any, x: Any) -> Any:
    """`x`, (steps, n, features), with zeros where a sequence has no step."""
    return x if alive is None else np.where(alive.reshape(*alive.shape, 1), x, 0)
