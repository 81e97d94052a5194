"""Make torch_files.npz: the bytes of small files of PyTorch's, by name, and the numbers in them. By hand, with torch:

python -m tests.io.make_torch_files
"""

import io
import pathlib

import numpy as np

FILE = pathlib.Path(__file__).with_name("torch_files.npz")


def trees(torch):
    """What is saved, by name."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.5)
    net(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    base = torch.arange(12.0).reshape(3, 4)
    return {
        "network": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "parameter": net[0].weight,
        "dtypes": [torch.arange(3).to(dtype) for dtype in dtypes(torch)],
        "shared": {"base": base, "transposed": base.T, "part": base[1:, ::2], "again": base},
        "expanded": torch.tensor([1.0, 2.0]).expand(3, 2),
        "plain": {"epoch": 3, "lr": 0.1, "name": "größe", "none": None, "flags": (True, [1, 2]), "size": base.shape},
        "empty": [torch.zeros(0, 3), torch.tensor(7.0)],
        "whole": net,
        "sparse": torch.eye(2).to_sparse(),
        "conjugate": torch.tensor([1 + 2j]).conj(),
        "float8": torch.zeros(2, dtype=torch.float8_e4m3fn),
    }


def dtypes(torch):
    """Those that NumPy has, and bfloat16."""
    names = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]
    return [getattr(torch, name) for name in [*names, "complex64", "complex128", "uint16", "uint32", "uint64"]]


def arrays(torch, tree):
    """The numbers of a tree, by place."""
    leaves = torch.utils._pytree.tree_flatten_with_path(tree)[0]
    for path, x in leaves:
        if isinstance(x, torch.Tensor):
            x = x.detach()
            yield torch.utils._pytree.keystr(path), (x.float() if x.dtype == torch.bfloat16 else x).numpy()


def main():
    import safetensors.torch
    import torch

    found = {}
    for name, tree in trees(torch).items():
        for form, new in (("zip", True), ("stream", False)):
            file = io.BytesIO()
            torch.save(tree, file, _use_new_zipfile_serialization=new)
            found[f"{name}.{form}"] = np.frombuffer(file.getvalue(), np.uint8)
        if name not in ("whole", "sparse", "conjugate", "float8"):
            found |= {f"{name}/{place}": x for place, x in arrays(torch, tree)}
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), file)
    found["program.zip"] = np.frombuffer(file.getvalue(), np.uint8)
    tensors = {str(dtype): torch.arange(3).to(dtype) for dtype in dtypes(torch) if dtype != torch.complex128}
    found["safetensors"] = np.frombuffer(safetensors.torch.save(tensors), np.uint8)
    tensors = {"eight": torch.zeros(2, dtype=torch.float8_e4m3fn)}
    found["float8.safetensors"] = np.frombuffer(safetensors.torch.save(tensors), np.uint8)
    np.savez_compressed(FILE, **found)


if __name__ == "__main__":
    main()
