"""The shape of the house: which module may know which, and how long files and functions are."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad
from minigrad.core.tape import Node, Notes

PACKAGE = Path(minigrad.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# What each room may import from the package. A room imports only from rows above its own.
ALLOWED = {
    "errors": set(),
    "words": set(),
    "core": {"errors", "words"},
    "rules": {"core", "errors"},
    "composed": {"core", "rules"},
    "ops": {"composed", "core", "errors", "rules"},
    "transforms": {"core", "errors", "rules"},
    "testing": {"core", "errors", "transforms"},
    "optim": {"core", "words"},
    "compile": {"core", "errors", "rules", "transforms"},
    "data": {"core", "transforms"},
    "io": {"core", "errors"},
    "distributed": {"core", "data", "optim", "transforms"},
    "nn": {"core", "distributed", "errors", "ops", "rules", "words"},
    "train": {"compile", "core", "data", "distributed", "io", "nn", "optim", "transforms"},
    "draw": {"core", "nn"},
    "onnx": {"composed", "core", "errors", "io", "nn", "rules"},
    "scipy": {"compile", "composed", "core", "errors", "ops", "rules", "transforms"},
    "sklearn": {"data", "nn", "ops", "optim", "rules", "train"},
    "__init__": {
        *("compile", "composed", "core", "data", "draw", "errors", "io", "nn", "onnx", "ops", "optim"),
        *("rules", "scipy", "sklearn", "testing", "train", "transforms", "words"),
    },
}
# The engine, in the order in which to read it: a file imports from those before it, and from those on the side.
SPINE = ("context", "primitive", "engine", "door", "array", "tape", "sweep", "tensor", "short")


def module_of(path):
    """The row of the table that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path):
    """The rows that a file imports from, and the modules outside of the package."""
    outside = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            outside |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            outside.add(node.module.split(".")[0])
    return {module_of(p) for p in files_imported(path)} - {module_of(path)}, outside


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    """A module imports only what the table allows; a new module needs a row."""
    inside, outside = imported(path)
    assert inside <= ALLOWED[module_of(path)]
    extras = {
        "compile": {"llvmlite", "scipy"},
        "distributed": {"mpi4py"},
        "io": {"safetensors"},
        "onnx": {"onnx"},
        "scipy": {"scipy"},
        "sklearn": {"sklearn"},
        "testing": {"hypothesis"},
        "train": {"matplotlib", "pandas", "tensorboard", "tqdm"},
    }
    assert outside <= sys.stdlib_module_names | {"numpy"} | extras.get(module_of(path), set())


def test_the_table_has_an_order():
    """Every row names only rows above it, and each row is a module that is there."""
    above = set()
    for module, allowed in ALLOWED.items():
        assert allowed <= above
        above.add(module)
    assert above == {module_of(path) for path in FILES}


def executed(tree):
    """The nodes of a module without those that are there for type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from executed(node)


def files_imported(path):
    """The files of the package that a file imports from, wherever in it."""
    for node in executed(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            found = [folder / name.name for name in node.names] if folder.is_dir() else [folder]
            yield from (p for f in found if (p := f.with_suffix(".py")) in FILES)


def test_no_files_import_each_other():
    """There is an order in which to read the files of each room, and of the rooms in it."""
    order = graphlib.TopologicalSorter({path: set(files_imported(path)) for path in FILES}).static_order()
    assert set(order) == set(FILES)


def test_the_engine_can_be_read_in_order():
    """Each file of the spine imports from those before it alone, but for those on the side."""
    for i, name in enumerate(SPINE):
        inner = {p.stem for p in files_imported(PACKAGE / "core" / f"{name}.py") if p.parent.name == "core"}
        assert inner <= {*SPINE[:i], "recorder", "tree", "values", "foreign", "display"}, name


# Names that two files of a room define: the protocol of file formats, the namespace of linear algebra beside that of
# all functions, SciPy's own names, and a function of numbers beside the operation made of it.
SHARED = {
    "io": {"read_array", "reading", "write"},
    "nn": {"convolve"},
    "ops": {"diagonal", "matmul", "matrix_transpose", "norm", "outer", "tensordot", "trace", "vecdot"},
    "rules": {"erf"},
    "scipy": {"beta", "gamma"},
}


@pytest.mark.parametrize("room", ALLOWED)
def test_a_name_means_one_thing_in_a_room(room):
    """No two files of a room define the same name for others; those that begin with "_" are a file's own."""
    files = {}
    for path in (path for path in FILES if module_of(path) == room):
        for node in ast.parse(path.read_text()).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
            for name in {getattr(x, "name", None) or getattr(x, "id", "_") for x in targets}:
                files.setdefault(name, set()).add(path)
    assert {x for x, where in files.items() if len(where) > 1 and x[0] != "_"} == SHARED.get(room, set())


def written_attributes(path):
    """The attributes that a file sets on something else than self or a class of its own."""
    for node in ast.walk(ast.parse(path.read_text())):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in [part for t in targets if t is not None for part in ast.walk(t)]:
            if isinstance(target, ast.Attribute) and isinstance(target.ctx, ast.Store):
                yield ast.unparse(target)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nodes_are_written_in_core_alone(path):
    """No attribute of a node, or of its notes, is written outside of the engine, nor are its private names used."""
    if module_of(path) == "core":
        return
    ours = {*Node.__slots__, *vars(Notes)}
    written = [w.split(".") for w in written_attributes(path)]
    assert [w for w in written if len(w) > 1 and w[-2] in ("node", "notes", "leaf") and w[-1] in ours] == []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level and ".core" in f".{node.module or ''}":
            assert [name.name for name in node.names if name.name.startswith("_")] == []


def lines_of(function, functions):
    """The lines of a function's body, without its docstring and the functions inside of it."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    inner = [f for f in functions if f is not function and function.lineno < f.lineno <= function.end_lineno]
    inside = {n for f in inner for n in range(f.lineno, f.end_lineno + 1)}
    return len(set(range(body[0].lineno, body[-1].end_lineno + 1)) - inside) if body else 0


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_and_functions_are_short(path):
    """A file has at most 300 lines, or 450 where a subject is read together, and a function at most 40: a screen."""
    text = path.read_text()
    assert len(text.splitlines()) <= (450 if path.parent.name in ("core", "nn") else 300)
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert {f.name: n for f in functions if (n := lines_of(f, functions)) > 40} == {}


def test_import_takes_only_numpy():
    """`import minigrad` loads nothing but itself, NumPy and the standard library."""
    code = (
        "import sys, numpy\n"
        "before = set(sys.modules)\n"
        "import minigrad\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - set(sys.stdlib_module_names) - {'numpy', 'minigrad'}))"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    assert run.stdout.strip() == "[]"


def test_rooms_that_are_loaded_later_can_be_named_at_once():
    """`mg.optim` works without an import of its own, shows in dir(), and a misspelt name has Python's error."""
    code = (
        "import sys, minigrad as mg\n"
        "for name in mg.LATER:\n"
        "    assert f'minigrad.{name}' not in sys.modules and name in dir(mg), name\n"
        "    assert getattr(mg, name).__name__ == f'minigrad.{name}'\n"
        "for name, room in mg.LATER_OF.items():\n"
        "    assert getattr(mg, name) is getattr(getattr(mg, room), name) and name in dir(mg), name\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE.parent)
    assert minigrad.__getattr__("optim") is minigrad.optim
    assert minigrad.__getattr__("save") is minigrad.io.save
    assert {"optim", "save"} <= set(dir(minigrad))
    with pytest.raises(AttributeError, match="module 'minigrad' has no attribute 'optin'$"):
        minigrad.optin  # noqa: B018


@pytest.mark.parametrize(
    "name", ["nn.functional.relu", "nn.Linear", "optim.Adam", "data.DataLoader", "train.fit", "testing.gradcheck"]
)
def test_a_name_that_lives_in_a_room_is_pointed_to(name):
    """What was looked for at the top is somewhere below; private names are not looked for, as tools ask for many."""
    short = name.rpartition(".")[2]
    with pytest.raises(AttributeError, match=f"^module 'minigrad' has no attribute '{short}'; there is mg.{name}$"):
        getattr(minigrad, short)
    code = "import sys, minigrad; print(hasattr(minigrad, '__wrapped__'), 'minigrad.nn.functional' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert run.stdout.split() == ["False", "False"]


def test_every_module_can_be_imported_first():
    """No module needs another to be imported before it, but for those that come with the package itself."""
    modules = [".".join(("minigrad", *p.relative_to(PACKAGE).with_suffix("").parts)) for p in FILES]
    code = (
        "import importlib, sys, minigrad\n"
        "always, known, before = set(sys.modules), set(vars(minigrad)), None\n"
        "for name in sys.argv[1:]:\n"
        "    room = name.split('.')[:2]\n"  # which Python imports first, with all that it needs
        "    if room != before or name not in sys.modules:\n"
        "        for new in [m for m in sys.modules if m.startswith('minigrad.') and m not in always]:\n"
        "            del sys.modules[new]\n"
        "        for new in set(vars(minigrad)) - known:\n"
        "            delattr(minigrad, new)\n"
        "    importlib.import_module(name)\n"
        "    before = room\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, *(m.removesuffix(".__init__") for m in modules)], check=True, cwd=PACKAGE.parent
    )
