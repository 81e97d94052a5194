"""Series, DataFrames and Index of pandas beside Tensors: taken by position, wherever they come in."""

import operator

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import minigrad as mg
from minigrad import nn
from minigrad.nn import Buffer, Parameter
from minigrad.nn import functional as F
from tests.rules.cases import CASES

from .numeric import WAYS, close, leaf, outcome, plain

pd = pytest.importorskip("pandas")

ORDER = [2, 0, 1]  # labels that would change places
V, X = np.array([2.0, 3.0, 5.0]), np.array([1.0, 4.0, 6.0])

FORMS = {
    "Series": lambda: pd.Series(V, index=ORDER, name="v"),
    "integers": lambda: pd.Series([2, 3, 5], index=ORDER),
    "float32": lambda: pd.Series(V, index=ORDER, dtype=np.float32),
    "nullable": lambda: pd.Series(V, index=ORDER, dtype="Float64"),
    "categories": lambda: pd.Series(V, index=ORDER).astype("category"),
    "Index": lambda: pd.Index(V),
    "array": lambda: pd.array([2, 3, 5]),
    "DataFrame": lambda: pd.DataFrame(np.diag(V) + 1, index=ORDER, columns=ORDER),
    "columns of several dtypes": lambda: pd.DataFrame({"a": [2.0, 0, 1], "b": [1, 3, 0], "c": [True, False, True]}),
}
forms = pytest.mark.parametrize("form", FORMS)


def values_of(form):
    """The values of a form, as NumPy should see them."""
    frame = {
        "DataFrame": np.diag(V) + 1,
        "columns of several dtypes": np.array([[2, 1, 1], [0, 3, 0], [1, 0, 1.0]]),
        "integers": np.array([2, 3, 5]),
        "array": np.array([2, 3, 5]),
        "float32": V.astype(np.float32),
    }
    return frame.get(form, V)


def written(x, o):
    y = mg.zeros(np.shape(o)) + 0 * x
    y[...] = o
    return y * x


USES = {
    **{f"x {o} v": lambda x, v, f=f: f(x, v) for o, f in (("+", operator.add), ("-", operator.sub))},
    **{f"v {o} x": lambda x, v, f=f: f(v, x) for o, f in (("+", operator.add), ("-", operator.sub))},
    "x * v": lambda x, v: x * v,
    "v * x": lambda x, v: v * x,
    "x / v": lambda x, v: x / v,
    "v / x": lambda x, v: v / x,
    "x ** v": lambda x, v: x**v,
    "v ** x": lambda x, v: v**x,
    "x % v": lambda x, v: x % v,
    "x @ v": lambda x, v: x @ v,
    "x > v": lambda x, v: x * (x > v) + x * (v < x) + x * (v == x),
    "np.add": lambda x, v: np.add(x, v),
    "np.maximum": lambda x, v: np.maximum(x, v),
    "np.where": lambda x, v: np.where(x > 2, v, x),
    "np.dot": lambda x, v: np.dot(x, v),
    "np.clip": lambda x, v: np.clip(x, 0.0, v),
    "np.stack": lambda x, v: np.stack([v + 0 * x, x * v]),
    "np.concatenate": lambda x, v: np.concatenate([x * mg.ones_like(v), v]),
    "mg.multiply": lambda x, v: mg.multiply(v, x),
    "mg.tensordot": lambda x, v: mg.tensordot(x, v, 1),
    "mg.exp": lambda x, v: mg.exp(v) * x,
    "mg.sum": lambda x, v: mg.sum(v) * x,
    "mg.tensor": lambda x, v: mg.tensor(v) * x,
    "mg.asarray": lambda x, v: mg.asarray(v) @ x,
    "mg.zeros_like": lambda x, v: mg.zeros_like(v) + mg.ones_like(v) * x,
    "x[v == 3]": lambda x, v: x * (mg.tensor(v) * 1.0)[v == 3].sum(),
    "x[...] = v": written,
    "an option": lambda x, v: x * mg.sum(mg.tensor(v), where=v == 3),
    "mse_loss": lambda x, v: F.mse_loss(x * np.ones(np.shape(v)), v),
    "huber_loss": lambda x, v: F.huber_loss(x * np.ones(np.shape(v)), v),
    "of a checkpoint": lambda x, v: mg.checkpoint(lambda x, v: x * v)(x, v),
}
uses = pytest.mark.parametrize("use", USES.values(), ids=list(USES))


@forms
@uses
@pytest.mark.filterwarnings("ignore")  # of divisions by zero
def test_labels_have_no_part_in_it(form, use):
    """The value and each derivative are those of the array of the values, bit for bit, and so are the types."""
    f = lambda x, v: mg.sum(use(x, v) * 1.0)
    for x in (mg.tensor(X), leaf(*X)):
        got, want = use(x, FORMS[form]()), use(x, values_of(form))
        assert type(got) is type(want)
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(plain(got), plain(want))
    for name in ("backward", "grad", "jvp", "jacobian", "checkpoint"):
        slopes = [plain(WAYS[name](lambda x, v=v: f(x, v), X)) for v in (FORMS[form](), values_of(form))]
        np.testing.assert_array_equal(*slopes)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_index_has_no_part_in_it(data):
    """For any labels, also such as come twice, and any dtype, an operator of a Series is that of its array."""
    dtype = data.draw(st.sampled_from([bool, np.int8, np.uint8, np.int64, np.float16, np.float32, float]))
    n = data.draw(st.integers(0, 5))
    values = np.array(data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)), dtype)
    labels = data.draw(st.lists(st.integers(-2, 2) | st.sampled_from("ab"), min_size=n, max_size=n))
    f = data.draw(st.sampled_from([operator.add, operator.sub, operator.mul, operator.lt, operator.eq, np.hypot]))
    x = mg.tensor(np.arange(n), dtype=data.draw(st.sampled_from([np.float32, float])))
    series = pd.Series(values, index=pd.Index(labels, dtype=object))
    for got, want in ((f(x, series), f(x, values)), (f(series, x), f(values, x))):
        assert type(got) is mg.Tensor
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got.numpy(), want.numpy())


PLACES = pd.Series([2, 0, 1, 1], index=[1, 0, 3, 2])
BY_PLACE = {
    "getitem": lambda x, i: x[i],
    "take": lambda x, i: mg.take(x, i),
    "np.take": lambda x, i: np.take(x, i, axis=0),
    "index_add": lambda x, i: mg.index_add(x, i, x[0] * np.arange(4.0)) ** 2,
    "index_update": lambda x, i: mg.index_update(x, i, x[0] * np.arange(4.0)) ** 2,
    "bincount": lambda x, i: np.bincount(i, weights=mg.concat([x, x[:1]])) ** 2,
    "repeat": lambda x, i: mg.repeat(x, i[:3]) if isinstance(i, np.ndarray) else mg.repeat(x, i.iloc[:3]),
    "take_along_axis": lambda x, i: mg.take_along_axis(mg.stack([x, x * x]), frame_of(i), axis=1),
    "where": lambda x, i: mg.where(i > 0, x[0], x[1] * np.arange(4.0)),
    "searchsorted": lambda x, i: x * mg.searchsorted(mg.tensor(X), i)[:3],
    "reshape": lambda x, i: mg.reshape(x, i.iloc[2:3] * 3) if hasattr(i, "iloc") else mg.reshape(x, i[2:3] * 3),
}


def frame_of(i):
    """Two rows of places, in what they came in."""
    rows = np.stack([np.asarray(i), np.asarray(i)[::-1]])
    return rows if isinstance(i, np.ndarray) else pd.DataFrame(rows, index=[1, 0])


@pytest.mark.parametrize("use", BY_PLACE.values(), ids=list(BY_PLACE))
def test_places_are_taken_by_position(use):
    """Arguments without a derivative, such as indices, have their labels left out in the rules as well."""
    weights = np.array([1.0, 10.0, 100.0, 1000.0])
    f = lambda x, i: mg.sum((y := use(x, i)) * weights[: np.shape(y)[-1]])
    for way in ("backward", "grad", "jvp", "checkpoint"):
        got, want = (plain(WAYS[way](lambda x, i=i: f(x, i), X)) for i in (PLACES, PLACES.to_numpy()))
        np.testing.assert_array_equal(got, want)


# Where pandas comes first


@pytest.mark.parametrize("form", ["Series", "DataFrame"])
def test_a_product_in_which_pandas_comes_first_is_right_or_names_the_remedy(form):
    """df @ w asks for the values of w: this works for constants, and the error of others says df.to_numpy() @ w."""
    v, constant = FORMS[form](), mg.tensor(X)
    for product in (lambda w: v @ w, lambda w: v.dot(w), lambda w: np.matmul(v, w)):
        np.testing.assert_allclose(np.asarray(product(constant)), values_of(form) @ X)
        got, refusal = outcome(lambda product=product: product(leaf(*X)))
        assert got is None
        assert "df.to_numpy()" in refusal
    w = leaf(*X)
    mg.sum(v.to_numpy() @ w).backward()
    close(w.grad, np.sum(np.atleast_2d(values_of(form)), axis=0))


@pytest.mark.parametrize("form", ["Series", "DataFrame"])
@pytest.mark.parametrize("change", [operator.iadd, operator.isub, operator.imul, operator.itruediv])
def test_pandas_data_is_not_changed_in_place(form, change):
    """v += x is refused, and says v = v + x; v and x are as they were."""
    for x in (mg.tensor(X), leaf(*X)):
        v = FORMS[form]()
        with pytest.raises(TypeError, match=r"data of pandas cannot be changed in place by a Tensor. Use x = x \* y"):
            change(v, x)
        np.testing.assert_array_equal(v.to_numpy(), values_of(form))
        assert x.tolist() == X.tolist()


@pytest.mark.parametrize("form", FORMS)
def test_a_ufunc_that_asks_pandas_first_is_right_or_names_the_remedy(form):
    """np.add(v, x) has the values of the arrays, whoever answers; where pandas does, no derivative is lost."""
    v, a = FORMS[form](), values_of(form)
    for f in (np.add, np.subtract, np.multiply, np.maximum, np.hypot, np.less):
        np.testing.assert_array_equal(np.asarray(f(v, mg.tensor(X))), f(a, X))
        got, refusal = outcome(lambda f=f: mg.grad(lambda x: mg.sum(f(v, x) * x))(X))
        if refusal is None:
            close(got, mg.grad(lambda x, f=f: mg.sum(f(a, x) * x))(X))
        else:
            assert "df.to_numpy()" in refusal


def test_a_tensor_is_changed_in_place_by_position():
    """x *= v is x = x * v; a frame that would make it wider is refused, and x is as it was."""
    x = leaf(*X) * 1.0
    x *= FORMS["Series"]()
    assert x.tolist() == (X * V).tolist()
    with pytest.raises(ValueError, match="a change in place keeps shape"):
        x *= FORMS["DataFrame"]()
    assert x.tolist() == (X * V).tolist()
    w = leaf(*X)
    with mg.no_grad():
        w[:] = FORMS["Series"]()
        w -= FORMS["Series"]()
    assert w.tolist() == [0, 0, 0]


# Transformations and containers


@forms
def test_arguments_of_transformations(form):
    """A derivative by labelled data is an array, like that by its values; so are tangents and cotangents taken."""
    v, a = FORMS[form](), values_of(form)
    if a.dtype.kind != "f":
        with pytest.raises(TypeError, match="derivatives are with respect to floating arrays"):
            mg.grad(mg.sum)(v)
        return
    cube, total = lambda x: x * x * x, lambda x: mg.sum(x * x * x)
    for call in (
        lambda v: mg.grad(total)(v),
        lambda v: mg.grad(lambda d: total(d["v"]))({"v": v})["v"],
        lambda v: mg.value_and_grad(lambda x, v: mg.sum(x * v), argnums=1)(X[: len(V)], v)[1],
        lambda v: mg.vjp(cube, v)[1](v)[0],
        lambda v: mg.vjp(lambda x: {"y": x * x}, v)[1]({"y": v})[0],
        lambda v: mg.jvp(cube, (v,), (v,))[1],
        lambda v: mg.jacobian(cube)(v),
        lambda v: mg.hessian(total)(v),
        lambda v: mg.hvp(total, (v,), (v,))[0],
        lambda v: mg.checkpoint(lambda v: mg.exp(v))(v),
    ):
        got, want = call(v), call(a)
        assert type(got) is type(want) is np.ndarray
        np.testing.assert_array_equal(got, want)


def test_cotangents_are_taken_by_position():
    """backward(v), x.grad = v and x.data = v do not look at labels."""
    v, x = FORMS["Series"](), leaf(*X)
    (2 * x).backward(v)
    assert x.grad.tolist() == [4, 6, 10]
    x.grad = v
    x.data = v
    assert x.grad.tolist() == x.tolist() == V.tolist()


def test_a_compiled_function_sees_what_has_changed():
    """A Series is an argument like its array: no value of the first call is kept."""
    f, v = mg.compile(lambda v, x: mg.sum(v * x)), FORMS["Series"]()
    x = mg.tensor(X)
    assert f(v, x).item() == V @ X
    v.iloc[0] = 100.0
    assert f(v, x).item() == 100 + V[1:] @ X[1:]
    assert f(V, x).item() == V @ X


@forms
def test_new_tensors(form):
    """They hold the values in memory of their own, and print like others."""
    v, a = FORMS[form](), values_of(form)
    for make in (mg.tensor, mg.asarray, Parameter if a.dtype.kind == "f" else mg.tensor, Buffer):
        t = make(v)
        assert type(t.value) is np.ndarray
        np.testing.assert_array_equal(t.value, a)
        assert t.dtype == a.dtype
        assert type(v).__name__ not in repr(t)
    t = mg.tensor(v, requires_grad=a.dtype.kind == "f")
    with mg.no_grad():
        t[0] = 7
    np.testing.assert_array_equal(v.to_numpy(dtype=float), a)
    assert t[0].tolist() == np.full_like(a[0], 7).tolist()


# Refused


TEXT = {
    "text": (lambda: pd.DataFrame({"a": [1.0, 2], "b": ["x", "y"]}), "column 'b' of the DataFrame holds", "'x'"),
    "objects": (lambda: pd.DataFrame({"a": [1.0, 2], 3: [1, "y"]}), "column 3 of the DataFrame holds object", "'y'"),
    "truths with a missing one": (
        lambda: pd.DataFrame({"a": [1.0, 2], "b": pd.array([True, None])}),
        "column 'b' of the DataFrame holds boolean",
        "<NA>",
    ),
    "dates": (lambda: pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}), "column 'a' of the DataFrame", "2020"),
    "Series": (lambda: pd.Series(["x", "y"], name="s"), "column 's' of the Series holds", "'x'"),
    "nameless": (lambda: pd.Series([None, "y"], dtype=object), "; the Series holds object", "None"),
    "Index": (lambda: pd.MultiIndex.from_tuples([(1, 2), (3, 4)]), "the MultiIndex holds", "(1, 2)"),
}


@pytest.mark.parametrize("name", TEXT)
def test_columns_of_something_else_are_refused_by_name(name):
    """Text, dates and objects are no numbers: the error names the column, its dtype and an element."""
    make, what, such = TEXT[name]
    x = leaf(1.0, 2.0)
    for use in (mg.tensor, mg.grad(mg.sum), lambda v: x * v, lambda v: mg.sum(v), mg.zeros_like, mg.compile(mg.sum)):
        with pytest.raises(TypeError) as caught:
            use(make())
        text = str(caught.value)
        assert what in text
        assert f", such as {such}" in text or such in text
        assert ".astype(float)" in text
    assert x.tolist() == [1, 2]


def test_the_remedies_for_columns_work():
    """A column that was left out, or made numbers of, is taken."""
    frame = pd.DataFrame({"a": [1.0, 2], "b": ["3", "4"], "c": pd.array([True, None])})
    assert mg.tensor(frame[["a"]]).tolist() == [[1], [2]]
    assert mg.tensor(frame["b"].astype(float)).tolist() == [3, 4]
    assert mg.tensor(frame["c"].dropna().astype(float)).tolist() == [1]


def test_missing_numbers_are_nan():
    """A column of nullable numbers is one of floats with NaN, as pandas makes of it; a frame of nothing is empty."""
    np.testing.assert_array_equal(mg.tensor(pd.Series([2.0, None], dtype="Float64")).value, [2, np.nan])
    assert mg.tensor(pd.DataFrame(index=[1, 2])).shape == (2, 0)
    assert mg.tensor(pd.DataFrame()).shape == (0, 0)


# The whole table of operations


def labelled(x):
    """An array of one or two axes as data of pandas, with labels out of order."""
    order = np.argsort(np.arange(len(x)) % 2, kind="stable")
    return pd.Series(x, index=order) if x.ndim == 1 else pd.DataFrame(x, index=order)


OPERANDS = [
    (case, k)
    for case in CASES
    for k, x in enumerate(case.arrays)
    if len(case.arrays) > 1
    and x.ndim in (1, 2)
    and x.dtype.kind == "f"
    and case.call.__name__ != "called"  # by in_double
]


@pytest.mark.parametrize(
    ("case", "k"),
    [pytest.param(case, k, id=f"{case}-{k}", marks=[pytest.mark.slow] * case.of_parts) for case, k in OPERANDS],
)
def test_every_operation_takes_labelled_operands(case, k):
    """The value and the slopes of an operation, one of whose arrays has labels, are those without, or it is refused."""
    results = []
    for special in (labelled(case.arrays[k]), case.arrays[k]):
        others = [leaf_like(x) for x in case.arrays]

        def compute(special=special, others=others):
            y = case(*others[:k], special, *others[k + 1 :])
            y.backward(np.ones_like(plain(y)))
            return [plain(y), *(plain(x.grad) for x in others if x.grad is not None)]

        results.append(outcome(compute))
    (got, refusal), (want, none) = results
    assert none is None
    if refusal is not None:
        assert "df.to_numpy()" in refusal
    else:
        assert len(got) == len(want)
        for one, other in zip(got, want, strict=True):
            close(one, other)  # data frames are in Fortran order, in which sums are rounded otherwise


def leaf_like(x):
    """A Tensor of an array, which requires grad if it can."""
    return mg.tensor(x, requires_grad=x.dtype.kind == "f")


def test_weights_and_outputs_of_losses():
    """Looked up by position, though a label says otherwise."""
    x, y, weight = np.log(np.diag(V) + 1.0), np.array([0, 1, 2]), pd.Series(V, index=ORDER)
    for loss in (F.cross_entropy, F.nll_loss):
        assert loss(x, y, weight=weight).item() == loss(x, y, weight=V).item()
    output = pd.Series(V, index=ORDER)
    assert F.mse_loss(output, X).item() == F.mse_loss(V, X).item()
    logits = F.binary_cross_entropy_with_logits
    assert logits(mg.tensor(X), V / 8, pos_weight=weight).item() == (logits(mg.tensor(X), V / 8, pos_weight=V).item())


FRAME = np.arange(12.0).reshape(4, 3) + 1
LAYERS = {
    "LayerNorm": lambda x: nn.LayerNorm(3)(x),
    "RMSNorm": lambda x: nn.RMSNorm(3)(x),
    "BatchNorm1d": lambda x: nn.BatchNorm1d(3)(x),
    "Linear": lambda x: nn.Linear(3, 2, rng=0)(x),
    "Linear without bias": lambda x: nn.Linear(3, 2, bias=False, rng=0)(x),
    "Dropout": lambda x: nn.Dropout(0.5, rng=0)(x),
    "Sequential": lambda x: nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.BatchNorm1d(4))(x),
    "gelu": F.gelu,
    "silu": F.silu,
    "softplus": F.softplus,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.1),
    "the output of a loss": lambda x: F.mse_loss(x, 2 * FRAME),
    "logits": lambda x: F.cross_entropy(x, np.array([0, 1, 2, 1])),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_take_frames(layer):
    """By position, with results of the same kind as for an array."""
    frame = pd.DataFrame(FRAME, index=[3, 1, 0, 2], columns=list("cab"))
    ours, theirs = LAYERS[layer](frame), LAYERS[layer](FRAME)
    assert type(ours) is type(theirs)
    np.testing.assert_array_equal(plain(ours), plain(theirs))
