"""Pictures of the guide that explain a mechanism; make_pictures.py writes them into docs/_static."""

import re

import numpy as np
from matplotlib import patches, pyplot

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F

BLUE, GREEN, GREY, YELLOW = "#cfe2f3", "#d9ead3", "#eeeeee", "#fff2cc"


def box(panel, x, y, text, color, width=1.6, height=0.8, **style):
    """A box around a centre, with text in it."""
    panel.add_patch(pyplot.Rectangle((x - width / 2, y - height / 2), width, height, facecolor=color, edgecolor="0.3"))
    panel.text(x, y, text, ha="center", va="center", **{"fontsize": 9, **style})


def arrow(panel, start, end, color="0.3", **style):
    """An arrow between two points."""
    panel.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": color, **style})


def blank(width, height, figsize):
    """A figure with a panel without axes, of so many units."""
    figure, panel = pyplot.subplots(figsize=figsize)
    panel.set(xlim=(0, width), ylim=(0, height))
    panel.axis("off")
    return figure, panel


def sweeping():
    """Values forward, cotangents backward, of y = tanh(a * b) + a at a = 0.5, b = 2."""
    a, b = (mg.tensor(x, requires_grad=True) for x in (0.5, 2.0))
    product = a * b
    bent = mg.tanh(product)
    y = bent + a
    for part in (product, bent, y):
        part.retain_grad()
    y.backward()
    figure, panel = blank(10, 4, (7, 2.8))
    places = {"a": (1, 3.2, a), "b": (1, 0.9, b), "multiply": (3.6, 2, product)}
    places |= {"tanh": (6.2, 2, bent), "add": (8.8, 2, y)}
    for name, (x, height, part) in places.items():
        box(panel, x, height, f"{name}\n{part.item():.3f}", BLUE if part.is_leaf else GREEN)
        panel.text(x, height - 0.68, f"{part.grad.item():.3f}", ha="center", va="center", color="C3", fontsize=9)
    for start, end in (("a", "multiply"), ("b", "multiply"), ("multiply", "tanh"), ("tanh", "add"), ("a", "add")):
        (x, height, _), (to, other, _) = places[start], places[end]
        bend = {"connectionstyle": "arc3,rad=-0.25"} if (start, end) == ("a", "add") else {}
        arrow(panel, (x + 0.85, height), (to - 0.85, other + (0.3 if bend else 0)), **bend)
    panel.text(5, 0.3, "black: values, computed from left to right", ha="center", fontsize=8)
    panel.text(5, -0.1, "red: cotangents, from right to left", ha="center", color="C3", fontsize=8)
    return figure


def compiling():
    """The stages of a compiled function, with the numbers of the tutorial's epoch."""
    x, y = mg.tensor([[0.0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]]), mg.tensor([[0.0], [1], [1], [0]])
    w = mg.tensor(np.ones((3, 1)), requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0)

    @mg.compile
    def epoch():
        (mg.sum((mg.sigmoid(x @ w) - y) ** 2) / 2).backward()
        optimizer.step()
        optimizer.zero_grad()

    epoch()  # records
    epoch()
    stats = epoch.stats
    figure, panel = blank(12, 3.2, (7, 2))
    stages = (
        ("your function,\ncalled once", BLUE),
        (f"recording:\n{stats.recorded} NumPy calls", GREEN),
        (f"simplified:\n{stats.recorded - stats.removed} are left", GREEN),
        (f"memory:\n{stats.buffers} buffers, {stats.bytes} bytes", GREEN),
        ("source:\nNumPy or\nnative code", YELLOW),
    )
    for i, (text, color) in enumerate(stages):
        box(panel, 1.2 + 2.4 * i, 2.2, text, color, width=1.95, height=1.2, fontsize=7.5)
        if i:
            arrow(panel, (2.4 * i - 0.22, 2.2), (2.4 * i + 0.22, 2.2))
    arrow(panel, (10.8, 1.5), (1.2, 1.5), connectionstyle="arc3,rad=-0.2")
    panel.text(
        6, 0.1, "each later call: checks that nothing has changed, then runs the program", ha="center", fontsize=8
    )
    return figure


NODE = re.compile(
    r'"(\w+)" \[label=<<.*?<b>(.*?)</b>.*?color="#5b616a">(.*?)</font>.*?'
    r'style="(.*?)", fillcolor="(.*?)", color="(.*?)"'
)


def graph():
    """The graph of the page on drawing, in the colours of `mg.draw`, as Graphviz would show it."""
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=1))
    dot = mg.draw(nn.MSELoss()(model(np.ones((4, 2))), np.zeros((4, 1))), names=model).dot()
    nodes = {name: rest for name, *rest in NODE.findall(dot)}
    edges = re.findall(r'"(\w+)" -> "(\w+)"', dot)
    rows = {name: i for i, name in enumerate(name for name in nodes if name.startswith("v"))}
    places = {name: (3.1, -i) for name, i in rows.items()}
    for result, i in rows.items():
        inputs = [start for start, end in edges if end == result and start not in rows]
        for j, name in enumerate(inputs):
            places[name] = (3.1 + 2.1 * (j - 1 if not i else j + 1), 1 - i)
    figure, panel = blank(8.8, 6.8, (6, 4.6))
    panel.set_ylim(-5.3, 1.3)
    for start, end in edges:
        (x, y), (to, below) = places[start], places[end]
        arrow(panel, (x, y - 0.25), (to + 0.6 * np.sign(x - to), below + 0.25), color="#8a8f98")
    for name, (title, shape, style, fill, edge) in nodes.items():
        x, y = places[name]
        corners = "round,pad=0.05" if "rounded" in style else "square,pad=0.05"
        look = {"facecolor": fill, "edgecolor": edge, "linestyle": "--" if "dashed" in style else "-"}
        width = 2.5 if name == list(rows)[-1] else 1
        panel.add_patch(patches.FancyBboxPatch((x - 0.85, y - 0.22), 1.7, 0.44, corners, lw=width, **look))
        panel.text(x, y + 0.08, title, ha="center", va="center", fontsize=8, weight="bold")
        panel.text(x, y - 0.13, shape, ha="center", va="center", fontsize=6.5, color="#5b616a")
    return figure


def grid(panel, x, y, rows, columns, color, size=0.3):
    """Cells of an array, from its upper left corner."""
    for i in range(rows):
        for j in range(columns):
            corner = x + j * size, y - (i + 1) * size
            shade = color if i % 2 == 0 else "white"
            panel.add_patch(pyplot.Rectangle(corner, size, size, facecolor=shade, edgecolor="0.4", linewidth=0.6))


def mapping():
    """What vmap takes along axis 0, what it shares, and what it returns."""
    figure, panel = blank(12, 4, (7, 2))
    panel.set_ylim(0.9, 4)
    panel.text(1.2, 3.6, "w, shared\nin_axes: None", ha="center", va="center", fontsize=8)
    grid(panel, 0.6, 2.2, 1, 4, BLUE)
    panel.text(3.7, 3.6, "x, a row an example\nin_axes: 0", ha="center", va="center", fontsize=8)
    grid(panel, 3.1, 2.95, 6, 4, GREEN)
    panel.text(5.7, 3.6, "y\nin_axes: 0", ha="center", va="center", fontsize=8)
    grid(panel, 5.55, 2.95, 6, 1, GREEN)
    arrow(panel, (6.5, 2.05), (9.1, 2.05))
    panel.text(7.8, 2.35, "vmap(grad(loss))", ha="center", fontsize=8, family="monospace")
    panel.text(7.8, 1.6, "grad(loss) sees\none row at a time", ha="center", va="center", fontsize=8)
    panel.text(10.2, 3.6, "a gradient an example\nout_axes: 0", ha="center", va="center", fontsize=8)
    grid(panel, 9.6, 2.95, 6, 4, YELLOW)
    return figure


def checkpointing():
    """The memory of 16 layers on arrays of 1 MB, measured at each call of a layer and of its rule."""
    import tracemalloc

    def note():
        sizes.append((tracemalloc.get_traced_memory()[0] - before) / 1e6)

    def rule(g, y, x):
        note()
        return g * (1 - y * y)

    @mg.primitive(rule)
    def layer(x):
        note()
        return np.tanh(x)

    def block(x):
        for _ in range(4):
            x = layer(x)
        return x

    figure, panel = pyplot.subplots()
    for function, name in (
        (block, "without checkpoints"),
        (mg.checkpoint(block), "mg.checkpoint around every 4 layers"),
    ):
        sizes, x = [], mg.tensor(np.ones(125_000), requires_grad=True)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        y = x
        for _ in range(4):
            y = function(y)
        mg.sum(y).backward()
        tracemalloc.stop()
        panel.plot(np.round(sizes), label=name)
    panel.set(xlabel="calls of layers and rules", ylabel="memory in MB", ylim=(0, 26))
    panel.legend()
    return figure


def losses():
    """Losses of one error, and the slope that an optimizer gets of each."""
    error = np.linspace(-4, 4, 81)
    functions = {
        "mse_loss": lambda e: e**2,
        "l1_loss": mg.abs,
        "huber_loss": lambda e: F.huber_loss(e, np.zeros(e.shape), reduction="none"),
        "log_cosh, above": lambda e: mg.abs(e) + F.softplus(-2 * mg.abs(e)) - np.log(2),
    }
    figure, panels = pyplot.subplots(1, 2)
    for name, f in functions.items():
        panels[0].plot(error, f(error), label=name)
        panels[1].plot(error, mg.grad(lambda e, f=f: mg.sum(f(e)))(error))
    panels[0].set(xlabel="error", ylabel="loss", ylim=(0, 8))
    panels[1].set(xlabel="error", ylabel="slope", ylim=(-4, 4))
    panels[0].legend(fontsize="small")
    return figure


def learning_rates():
    """The loss of one network with learning rates that are too low, right and too high."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3))
    y = np.tanh(x @ [[1.0], [-2.0], [0.5]])
    figure, panel = pyplot.subplots()
    for lr, note in ((0.003, "too low"), (0.3, "right"), (6.0, "too high")):
        model = nn.Sequential(nn.Linear(3, 8, rng=0), nn.Tanh(), nn.Linear(8, 1, rng=1))
        optimizer, losses = optim.SGD(model.parameters(), lr=lr), []
        for _ in range(60):
            loss = F.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(min(loss.item(), 1e4))
            if losses[-1] == 1e4:
                break
        panel.semilogy(losses, label=f"{note}: lr={lr}")
    panel.set(xlabel="step", ylabel="loss", ylim=(1e-3, 1e4))
    panel.legend()
    return figure


def resuming():
    """A run that was killed after twelve epochs and resumed, and one without a break."""

    def epochs(model, optimizer, count):
        losses = []
        for _ in range(count):
            loss = F.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    def parts():
        model = nn.Sequential(nn.Linear(3, 16, rng=0), nn.Tanh(), nn.Linear(16, 1, rng=1))
        return model, optim.Adam(model.named_parameters(), lr=0.05)

    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    y = np.sin(2 * x[:, :1]) + x[:, 1:2] * x[:, 2:]
    model, optimizer = parts()
    whole = epochs(model, optimizer, 40)
    first = parts()
    begun = epochs(*first, 15)
    resumed, weights_only = parts(), parts()
    for part, before in zip(resumed, first, strict=True):
        part.load_state_dict(before.state_dict())
    weights_only[0].load_state_dict(first[0].state_dict())
    figure, panel = pyplot.subplots()
    panel.plot(whole, color="0.75", linewidth=5, label="without a break")
    panel.plot(begun, color="C0", label="until it was killed")
    panel.plot(np.arange(15, 40), epochs(*resumed, 25), "C0--", label="resumed")
    panel.plot(
        np.arange(15, 40), epochs(*weights_only, 25), "C3:", label="resumed without the optimizer's state: another run"
    )
    panel.set(xlabel="epoch", ylabel="loss", yscale="log")
    panel.legend()
    return figure


def softplus():
    """Softplus, and the derivatives that follow from its rule."""
    rule = mg.primitive(lambda g, y, x: g * mg.sigmoid(x))(lambda x: np.logaddexp(0, x))
    x = np.linspace(-6, 6, 81)
    figure, panel = pyplot.subplots()
    f = lambda x: mg.sum(rule(x))  # noqa: E731
    slope = lambda x: mg.sum(mg.grad(f)(x))  # noqa: E731
    panel.plot(x, rule(x), label="softplus")
    panel.plot(x, mg.grad(f)(x), "--", label="its derivative, by the rule")
    panel.plot(x, mg.grad(slope)(x), ":", label="the second, by the rules of the rule")
    panel.set(xlabel="x", ylim=(-0.2, 4))
    panel.legend()
    return figure


def prices():
    """Predicted and true prices of the page on pandas."""
    rng = np.random.default_rng(0)
    n = 600
    area, rooms, city = rng.uniform(30, 150, n), rng.integers(1, 6, n), rng.integers(0, 3, n)
    price = area * 4.0 + rooms * 20.0 + (city == 0) * 100.0 + rng.normal(0, 10, n)
    x = np.column_stack([area, rooms, *(city == k for k in range(3))])
    x = (x - x[:500].mean(0)) / x[:500].std(0)
    mean, deviation = price[:500].mean(), price[:500].std()
    model = nn.Sequential(nn.Linear(5, 16, rng=0), nn.Tanh(), nn.Linear(16, 1, rng=1))
    loader = mg.data.DataLoader((x[:500], ((price - mean) / deviation)[:500, None]), 50, shuffle=True, rng=0)
    mg.train.fit(model, F.mse_loss, optim.Adam(model.parameters(), lr=0.01), loader, epochs=60, progress=False)
    predicted = model(x[500:]).detach().numpy()[:, 0] * deviation + mean
    figure, panel = pyplot.subplots(figsize=(4, 3))
    panel.plot([100, 900], [100, 900], color="0.8")
    panel.plot(price[500:], predicted, ".", markersize=4)
    panel.set(xlabel="price", ylabel="predicted price", title="100 homes, not used in training", aspect="equal")
    return figure


def circle():
    """What the network of the quick start has learned."""
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, size=(1000, 2))
    inside = (np.sum(points**2, axis=1) < 0.5).astype(int)
    model = nn.Sequential(nn.Linear(2, 32, rng=rng), nn.ReLU(), nn.Linear(32, 2, rng=rng))
    loader = mg.data.DataLoader((points[:800], inside[:800]), batch_size=50, shuffle=True, rng=rng)
    mg.train.fit(model, F.cross_entropy, optim.Adam(model.parameters(), lr=0.01), loader, epochs=30, progress=False)
    a, b = np.meshgrid(np.linspace(-1, 1, 41), np.linspace(-1, 1, 41))
    share = mg.softmax(model(np.stack([a, b], axis=-1)).detach(), axis=-1)[..., 1]
    figure, panel = pyplot.subplots(figsize=(3.4, 3.4))
    panel.contour(a, b, share, levels=[0.5], colors="k")
    for label, style in ((0, "C0."), (1, "C1.")):
        panel.plot(*points[800:][inside[800:] == label].T, style, markersize=4)
    panel.set(aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    return figure


DIAGRAMS = (
    *(graph, sweeping, compiling, mapping, checkpointing, losses, learning_rates, resuming, softplus, prices, circle),
)
