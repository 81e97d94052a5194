"""Names of PyTorch, Keras, JAX and scikit-learn that are not here, and what is written instead.

Each is looked up where a name is missing, so names that are there cost nothing. What stands for a name is code; what is
to be known of it follows after a semicolon.
"""

from collections.abc import Iterable, Mapping

NO_DEVICES = "; there are no devices"

PACKAGE = {
    "cat": "mg.concat",
    "mm": "mg.matmul",
    "bmm": "mg.matmul",
    "clamp": "mg.clip",
    "unsqueeze": "mg.expand_dims",
    "permute": "mg.permute_dims",
    "view": "mg.reshape",
    "rand": "mg.tensor(rng.random(shape))",
    "randn": "mg.tensor(rng.normal(size=shape))",
    "from_numpy": "mg.asarray",
    "as_tensor": "mg.asarray",
    "constant": "mg.tensor",
    "FloatTensor": "mg.tensor",
    "manual_seed": "np.random.default_rng(seed), which is passed on as rng",
    "random": "np.random.default_rng(seed), which is passed on as rng",
    "Variable": "mg.tensor(values, requires_grad=True)",
    "GradientTape": "mg.grad, or loss.backward()",
    "jit": "mg.compile",
    "numpy": "np, NumPy itself: its functions take Tensors",
    "jnp": "np, NumPy itself: its functions take Tensors",
    **{name: f"np.{name}" for name in ("float16", "float32", "float64", "int32", "int64", "inf", "nan", "pi")},
    "float": "np.float32",
    "double": "np.float64",
    "long": "np.int64",
    "set_default_dtype": "dtype= where arrays are made, or module.astype(np.float32)",
    "elementwise_grad": "mg.vmap(mg.grad(f))",
    "egrad": "mg.vmap(mg.grad(f))",
    "grad_and_value": "mg.value_and_grad",
    "stop_gradient": "x.detach()",
    "gather": "np.take_along_axis",
    "scatter_add": "mg.index_add",
    "is_tensor": "isinstance(x, mg.Tensor)",
    "pmap": "mg.distributed, under mpiexec",
    "lax": "Python's own loops, and mg.compile",
}
TENSOR = {
    "view": "x.reshape(shape)",
    "clone": "x.copy()",
    "unsqueeze": "mg.expand_dims(x, axis)",
    "permute": "x.transpose(axes)",
    "t": "x.T",
    "expand": "mg.broadcast_to(x, shape)",
    "dim": "x.ndim",
    "numel": "x.size",
    "contiguous": "x; layouts make no difference",
    "detach_": "x.detach()",
    "zero_": "x[...] = 0; of a leaf in a `with mg.no_grad()` block",
    "fill_": "x[...] = value; of a leaf in a `with mg.no_grad()` block",
    "copy_": "x[...] = values; of a leaf in a `with mg.no_grad()` block",
    "add_": "x += y; of a leaf in a `with mg.no_grad()` block",
    "sub_": "x -= y; of a leaf in a `with mg.no_grad()` block",
    "mul_": "x *= y; of a leaf in a `with mg.no_grad()` block",
    "requires_grad_": "mg.tensor(x, requires_grad=True)",
    "cuda": f"x{NO_DEVICES}",
    "cpu": f"x{NO_DEVICES}",
    "is_cuda": f"False{NO_DEVICES}",
    "device": f"x{NO_DEVICES}",
    "to": f"x.astype(dtype){NO_DEVICES}",
    "type": "x.dtype",
    "float": "x.astype(np.float32)",
    "double": "x.astype(np.float64)",
    "half": "x.astype(np.float16)",
    "int": "x.astype(int)",
    "long": "x.astype(int)",
    "bool": "x.astype(bool)",
    "new_zeros": "np.zeros_like(x, shape=shape)",
    "masked_fill": "mg.masked_fill(x, mask, value)",
    "norm": "mg.linalg.norm(x)",
    "pow": "x**2",
    "mm": "x @ y",
    "bmm": "x @ y",
    "matmul": "x @ y",
    "clamp": "x.clip(low, high)",
    "eq": "x == y",
    "repeat_interleave": "x.repeat(count, axis)",
    "index_select": "x.take(places, axis)",
    "gather": "np.take_along_axis(x, index, axis)",
    "scatter_add": "mg.index_add(x, places, y)",
    "chunk": "np.split(x, count)",
    "split": "np.split(x, count)",
    **{name: f"np.{name}(x)" for name in ("exp", "log", "sin", "cos", "tan", "tanh", "sqrt", "abs", "sign", "square")},
    "sigmoid": "mg.sigmoid(x)",
    "relu": "mg.nn.functional.relu(x)",
    **{name: f"mg.{name}(x, axis=-1)" for name in ("softmax", "log_softmax", "logsumexp")},
}
MODULE = {
    "fit": "train.fit(model, loss, optimizer, X, y, epochs=10)",
    "predict": "train.predict(model, X)",
    "evaluate": "train.evaluate(model, loss, X, y)",
    "score": "train.evaluate(model, loss, X, y)",
    "predict_proba": "mg.softmax(train.predict(model, X), axis=1)",
    "compile": "train.fit(model, loss, optimizer, X, y, epochs=10, compile='numpy')",
    "summary": "nn.summary(model, X)",
    "to": f"model.astype(dtype){NO_DEVICES}",
    "cuda": f"model{NO_DEVICES}",
    "cpu": f"model{NO_DEVICES}",
    "float": "model.astype(np.float32)",
    "double": "model.astype(np.float64)",
    "half": "model.astype(np.float16)",
    "weights": "model.state_dict()",
    "get_weights": "model.state_dict()",
    "set_weights": "model.load_state_dict(state)",
    "trainable_variables": "model.parameters()",
    "save": "mg.save(path, model.state_dict())",
    "save_weights": "mg.save(path, model.state_dict())",
    "load": "model.load_state_dict(mg.load(path))",
    "load_weights": "model.load_state_dict(mg.load(path))",
    "add": "model.append(layer)",
    "call": "model(X)",
    "register_buffer": "model.name = nn.Buffer(values)",
    "register_parameter": "model.name = nn.Parameter(values)",
}
NETWORKS = {
    "Dense": "nn.Linear",
    "Input": "nn.Linear, whose first number is that of inputs",
    "Model": "nn.Module",
    "MaxPooling1D": "nn.MaxPool1d",
    "MaxPooling2D": "nn.MaxPool2d",
    "AveragePooling2D": "nn.AvgPool2d",
    "GlobalAveragePooling2D": "nn.AdaptiveAvgPool2d",
    "BatchNormalization": "nn.BatchNorm1d, or nn.BatchNorm2d",
    "LayerNormalization": "nn.LayerNorm",
    "MultiHeadAttention": "nn.MultiheadAttention",
    "Activation": "nn.ReLU, or another of its kind",
    "Concatenate": "mg.concat",
    "Add": "x + y, in forward",
    "CrossEntropy": "nn.CrossEntropyLoss",
    "MSE": "nn.MSELoss",
    "MAE": "nn.L1Loss",
    "BCE": "nn.BCEWithLogitsLoss",
    "MeanSquaredError": "nn.MSELoss",
    "tensor": "mg.tensor",
}
OPTIMIZERS = {"Momentum": "optim.SGD, with momentum=0.9", "lr": "optimizer.lr"}


def instead(name: str, words: Mapping[str, str], homes: Mapping[str, Iterable[str]] | None = None) -> str:
    """What to write instead of a name, as the end of an error: by a table, or from where it is spelled alike.

    Parameters
    ----------
    name : str
    words : dict
        A table of this module.
    homes : dict of names by the text in front of them, optional
        Where else to look, in this order; letters may be small or capital.
    """
    if name in words:
        code, _, more = words[name].partition("; ")
        return f". Use {code}{'; ' * bool(more)}{more}"
    if name.startswith("_"):
        return ""
    for exactly in (True, False):
        for home, names in (homes or {}).items():
            for known in names:
                if known == name or (not exactly and known.lower() == name.lower()):
                    return f"; there is {home}{known}"
    return ""
