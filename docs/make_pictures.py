"""Draw the pictures of the guide into docs/_static, as small SVG files: python docs/make_pictures.py [names]"""

import pathlib
import re
import sys

import matplotlib
import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "_static"
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]
matplotlib.use("svg")
matplotlib.rcParams.update(
    {
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "minigrad",
        "font.family": "sans-serif",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.figsize": (6, 3),
        "figure.constrained_layout.use": True,
        "legend.frameon": False,
    }
)
from diagrams import DIAGRAMS  # noqa: E402
from matplotlib import pyplot  # noqa: E402

import minigrad as mg  # noqa: E402
from minigrad import nn, optim, train  # noqa: E402
from minigrad.nn import functional as F  # noqa: E402

NUMBER = re.compile(r"-?\d+\.\d\d+(?!\d*</text>)")


def activations():
    """The sigmoid and tanh, and their slopes."""
    z = np.linspace(-5, 5, 81)
    figure, panels = pyplot.subplots(1, 2, sharey=True)
    for panel, function, name in zip(panels, (mg.sigmoid, np.tanh), ("sigmoid", "tanh"), strict=True):
        panel.plot(z, function(z), label=name)
        panel.plot(z, mg.grad(lambda z, f=function: f(z).sum())(z), "--", label="its derivative")
        panel.set_ylim(-1.1, 1.9)
        panel.legend(loc="upper left")
        panel.grid(alpha=0.3)
    return figure


def ten_lines():
    """The four outputs of the tutorial's network on their way."""
    x, y = np.array([[0.0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]]), np.array([[0.0], [1], [1], [0]])
    w = mg.tensor(np.random.RandomState(1).rand(3, 1), requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0)
    kept = sorted({int(step) for step in np.geomspace(1, 10_000, 60)})
    outputs = []
    for epoch in range(1, 10_001):
        output = mg.sigmoid(x @ w)
        if epoch in kept:
            outputs.append(output.detach().numpy()[:, 0])
        optimizer.zero_grad()
        (mg.sum((output - y) ** 2) / 2).backward()
        optimizer.step()
    figure, panel = pyplot.subplots()
    for i, values in enumerate(np.transpose(outputs)):
        panel.semilogx(kept, values, label=f"{x[i].astype(int)}, target {y[i, 0]:.0f}")
    panel.set(xlabel="epoch", ylabel="output")
    panel.legend()
    return figure


def hidden_layer():
    """The errors of the example, with a sigmoid and with tanh."""
    import hidden_layer as example

    figure, panel = pyplot.subplots()
    for function, name in ((mg.sigmoid, "sigmoid"), (mg.tanh, "tanh")):
        errors = example.train(function, 60_000)
        panel.semilogy(np.arange(len(errors)) * 10_000, errors, "o-", label=f"{name} in the hidden layer")
    panel.set(xlabel="step", ylabel="mean absolute error")
    panel.legend()
    return figure


def training():
    """The history of the page on training."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    rng = np.random.default_rng(1)
    model = nn.Sequential(nn.Linear(2, 32, rng=rng), nn.Tanh(), nn.Dropout(0.1, rng=rng), nn.Linear(32, 2, rng=rng))
    loader = mg.data.DataLoader((x[:400], y[:400]), batch_size=50, shuffle=True, rng=rng)
    history = train.fit(
        model,
        F.cross_entropy,
        optim.Adam(model.parameters(), lr=0.02),
        loader,
        epochs=20,
        validation=[(x[400:], y[400:])],
        metrics={"accuracy": lambda scores, labels: np.mean(scores.argmax(axis=1) == labels)},
    )
    return history.plot()


def optimizers():
    """Ways of three optimizers down Rosenbrock's valley."""

    def valley(p):
        return (1 - p[0]) ** 2 + 20 * (p[1] - p[0] ** 2) ** 2

    a, b = np.meshgrid(np.linspace(-1.6, 1.4, 60), np.linspace(-0.6, 2.2, 60))
    figure, panel = pyplot.subplots(figsize=(6, 4))
    panel.contour(a, b, np.log(valley(np.stack([a, b])) + 0.1), levels=8, colors="0.8", linewidths=0.8)
    rules = {"SGD": {"lr": 0.003}, "SGD with momentum": {"lr": 0.003, "momentum": 0.9}, "Adam": {"lr": 0.1}}
    for name, options in rules.items():
        p = mg.tensor([-1.2, 1.8], requires_grad=True)
        optimizer = getattr(optim, name.split()[0])([p], **options)
        way = [p.tolist()]
        for _ in range(150):
            optimizer.zero_grad()
            valley(p).backward()
            optimizer.step()
            way.append(p.tolist())
        panel.plot(*np.transpose(way), linewidth=1.2, label=f"{name}, 150 steps")
    panel.plot(1, 1, "k*", markersize=10)
    panel.set(xlabel="first parameter", ylabel="second parameter")
    panel.legend()
    return figure


def schedules():
    """Learning rates over 100 steps."""
    figure, panel = pyplot.subplots()
    S = optim.lr_scheduler
    for name, make in {
        "StepLR": lambda o: S.StepLR(o, 25, 0.5),
        "ExponentialLR": lambda o: S.ExponentialLR(o, 0.97),
        "CosineAnnealingLR": lambda o: S.CosineAnnealingLR(o, 100),
        "OneCycleLR": lambda o: S.OneCycleLR(o, 1.0, total_steps=101),
    }.items():
        optimizer = optim.SGD([mg.tensor(0.0, requires_grad=True)], lr=1.0)
        schedule, rates = make(optimizer), []
        for _ in range(100):
            rates.append(optimizer.lr)
            schedule.step()
        panel.plot(rates, label=name)
    panel.set(xlabel="step", ylabel="learning rate")
    panel.legend()
    return figure


def slopes():
    """The error of a measured slope, by the width between its points."""
    widths = np.logspace(-13, 0, 60)
    exact = mg.grad(np.sin)(1.0)
    figure, panel = pyplot.subplots()
    one_sided = abs((np.sin(1 + widths) - np.sin(1)) / widths - exact)
    central = abs((np.sin(1 + widths) - np.sin(1 - widths)) / (2 * widths) - exact)
    panel.loglog(widths, one_sided, label="one-sided slope")
    panel.loglog(widths, central, label="central slope, as gradcheck's")
    panel.set(xlabel="distance between the points", ylabel="error of the slope of sin at 1")
    panel.legend()
    return figure


def kinks():
    """Functions with a kink, and the derivatives chosen there."""
    x = np.linspace(-2, 2, 81)
    figure, panels = pyplot.subplots(1, 3, sharey=True)
    functions = {"abs": mg.abs, "relu": F.relu, "clip to (-1, 1)": lambda x: mg.clip(x, -1, 1)}
    for panel, (name, f) in zip(panels, functions.items(), strict=True):
        panel.plot(x, f(x), label=name)
        panel.plot(x, mg.grad(lambda x, f=f: f(x).sum())(x), "--", label="derivative")
        panel.legend(loc="upper left", fontsize="small")
        panel.grid(alpha=0.3)
        panel.set_ylim(-1.3, 3)
    return figure


def writer():
    """What the transformer writes after eight epochs, as an example of it."""
    text = (
        "function of a formatted by are and\nexpressions\n   afture, it is in a compattern an\n"
        'statement "* or a\n   *__sclasss__getitem__".'
    )
    figure, panel = pyplot.subplots(figsize=(4, 3))
    panel.axis("off")
    panel.text(0, 0.5, text, family="monospace", fontsize=11, va="center")
    return figure


def spiral():
    """Made by the example itself."""
    import spiral as example

    example.main(100, FOLDER, "spiral.svg")
    pyplot.close("all")


PICTURES = (
    activations,
    ten_lines,
    hidden_layer,
    training,
    optimizers,
    schedules,
    slopes,
    kinks,
    writer,
    spiral,
    *DIAGRAMS,
)


def shrink(path):
    """Round numbers to tenths of a point and leave out points too close to the last to be seen."""
    text = NUMBER.sub(lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), path.read_text(encoding="utf-8"))
    text = re.sub(r"<metadata>.*?</metadata>\n?", "", text, flags=re.DOTALL)
    text = re.sub(r'(?<= d=")[^"]{2000,}', thinned, text)
    text = re.sub(r"\n +", "\n", text)
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", encoding="utf-8")


def thinned(path, distance=4.0):
    """The text of a long path without the lines to points that are nearer than this to the last one."""
    kept, last = [], None
    for command in path[0].strip().splitlines():
        point = np.array(command.split()[1:], dtype=float)
        if last is None or command[0] != "L" or np.hypot(*(point - last)) > distance:
            kept.append(command)
            last = point if point.size else None
    return "\n".join(kept)


if __name__ == "__main__":
    for draw in PICTURES:
        if sys.argv[1:] and draw.__name__ not in sys.argv[1:]:
            continue
        path = FOLDER / f"{draw.__name__}.svg"
        figure = draw()
        if figure is not None:
            figure.savefig(path, metadata={"Date": None})
            pyplot.close(figure)
        shrink(path)
        print(f"{path.name}: {path.stat().st_size // 1000} kB")
