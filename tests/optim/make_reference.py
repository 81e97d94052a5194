"""Makes the files of reference values beside it, with PyTorch: run it by hand where torch is installed.

python -m tests.optim.make_reference
"""

import json
import math
import pathlib

HERE = pathlib.Path(__file__).parent
STEPS = 20
START = [1.0, -2.0, 0.5]
OTHER = [[0.25, -0.75], [1.5, 3.0]]  # a second parameter, in the cases with groups

COMMON = (
    {},
    {"lr": 0.05},
    {"lr": 0.1, "weight_decay": 0.1},
    {"lr": 0.1, "later": {"lr": 0.01}},
    {"lr": 0.05, "groups": [{}, {"lr": 0.2}]},
    {"lr": 0.05, "groups": [{"weight_decay": 0.1}, {}]},
)
ADAM = (
    {"betas": (0.8, 0.9), "eps": 1e-3},
    {"lr": 0.1, "betas": (0.5, 0.7), "weight_decay": 0.2},
    {"lr": 0.1, "betas": (0.0, 0.5)},
    {"lr": 0.1, "later": {"betas": (0.6, 0.8)}},
    {"lr": 0.1, "groups": [{"betas": (0.7, 0.9)}, {"eps": 0.1}]},
)
SETTINGS: dict[str, tuple[dict, ...]] = {
    "SGD": (
        *({"lr": 0.1, **case} for case in COMMON),
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.5},
        {"lr": 0.05, "momentum": 0.8, "nesterov": True},
        {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1},
        {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True},
        {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1, "dampening": 0.3},
        {"lr": 0.02, "momentum": 0.9, "dampening": 0.3, "groups": [{}, {"momentum": 0.5}]},
        {"lr": 0.02, "momentum": 0.9, "later": {"momentum": 0.5}},
    ),
    "Adam": (*COMMON, *ADAM, *({**case, "amsgrad": True} for case in ADAM)),
    "AdamW": (*COMMON, *ADAM, {"lr": 0.1, "weight_decay": 0.5, "later": {"lr": 0.2, "weight_decay": 0.1}}),
    "NAdam": (
        *COMMON,
        *ADAM,
        {"lr": 0.1, "momentum_decay": 0.1},
        {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True},
    ),
    "RAdam": (*COMMON, *ADAM, {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": True}),
    "RMSprop": (
        *COMMON,
        {"lr": 0.02, "alpha": 0.5, "eps": 0.1},
        {"lr": 0.02, "momentum": 0.8},
        {"lr": 0.02, "centered": True},
        {"lr": 0.02, "alpha": 0.9, "momentum": 0.5, "centered": True, "weight_decay": 0.1},
    ),
    "Adagrad": (
        *COMMON,
        {"lr": 0.2, "lr_decay": 0.1},
        {"lr": 0.2, "initial_accumulator_value": 0.3, "eps": 0.01, "weight_decay": 0.1},
    ),
    "Adadelta": (*COMMON, {"rho": 0.5, "eps": 1e-3}, {"lr": 2.0, "rho": 0.8, "weight_decay": 0.2}),
    "Adamax": (*COMMON, *ADAM),
    "ASGD": (
        *COMMON,
        {"lr": 0.1, "lambd": 0.1, "t0": 5.0},
        {"lr": 0.1, "lambd": 0.5, "alpha": 1.5, "t0": 0.0, "weight_decay": 0.1},
    ),
    "Rprop": (
        *(case for case in COMMON if "weight_decay" not in str(case) and "later" not in case),
        {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (1e-3, 0.2)},
        {"lr": 0.1, "later": {"etas": (0.9, 1.1)}},
    ),
    "Adafactor": (
        *COMMON,
        {"lr": 0.5, "beta2_decay": -0.5, "eps": (1e-3, 0.1), "d": 2.0},
        {"lr": 0.1, "weight_decay": 0.2, "later": {"lr": 0.5}},
    ),
}
SETTINGS = {name: (*cases, {"lr": 0.001, "maximize": True}) for name, cases in SETTINGS.items()}


def has_gradient(step):
    """Whether the second parameter has a gradient in a step: not in every third, so that it counts its own."""
    return step % 3 != 1


def trajectory(torch, name, options):
    """20 steps down the function sum(w**4 / 4 + sin(w)), which is neither flat nor quadratic."""
    options = dict(options)
    groups, later = options.pop("groups", None), options.pop("later", {})
    w, other = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (START, OTHER))
    params = [w] if groups is None else [{"params": [p], **own} for p, own in zip((w, other), groups, strict=True)]
    optimizer = getattr(torch.optim, name)(params, **options)
    steps = []
    for step in range(STEPS):
        if step == STEPS // 2:
            optimizer.param_groups[0].update(later)
        optimizer.zero_grad()
        (w**4 / 4 + torch.sin(w)).sum().backward()
        if has_gradient(step):
            (other**4 / 4 + torch.sin(other)).sum().backward()
        optimizer.step()
        steps.append([w.tolist(), other.tolist()])
    return steps


def trajectories(torch):
    cases = [(name, options) for name, all_options in SETTINGS.items() for options in all_options]
    return [[name, options, trajectory(torch, name, options)] for name, options in cases]


LBFGS_CASES = (
    ("rosenbrock", {}),
    ("rosenbrock", {"lr": 0.5, "history_size": 3, "max_iter": 4}),
    ("rosenbrock", {"max_iter": 10, "max_eval": 5}),
    ("regression", {}),
    ("regression", {"lr": 2.0, "history_size": 2, "max_iter": 2}),
)


def rosenbrock(w):
    """The banana-shaped valley in 6 dimensions."""
    return (100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2).sum()


ROSENBROCK_START = [-1.2, 1.0, 0.5, -0.5, 2.0, 1.0]


def regression_data():
    """12 rows of 3 numbers and a target, from sines."""
    rows = [[math.sin(3 * i + j * j + 1) for j in range(3)] for i in range(12)]
    return rows, [math.sin(1.7 * i) for i in range(12)]


def lbfgs(torch, problem, options):
    """The parameters and the first loss of each of 8 steps."""
    if problem == "rosenbrock":
        params = [torch.tensor(ROSENBROCK_START, requires_grad=True)]
        loss_of = lambda: rosenbrock(params[0])
    else:
        x, y = map(torch.tensor, regression_data())
        params = [torch.zeros(3, requires_grad=True), torch.zeros((), requires_grad=True)]
        loss_of = lambda: (torch.tanh(x @ params[0] + params[1]) - y).pow(2).sum()
    optimizer = torch.optim.LBFGS(params, line_search_fn="strong_wolfe", **options)

    def closure():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        return loss

    return [[optimizer.step(closure).item(), [p.tolist() for p in params]] for _ in range(8)]


def decline(t):
    """A factor for LambdaLR."""
    return 0.9**t / (1 + t)


def rise(t):
    return 1 + t / 10


SCHEDULES = (
    ("LambdaLR", {"lr_lambda": "decline"}),
    ("LambdaLR", {"lr_lambda": ["decline", "rise"]}),
    ("StepLR", {"step_size": 4}),
    ("StepLR", {"step_size": 1, "gamma": 0.7}),
    ("MultiStepLR", {"milestones": [3, 8, 8, 20], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 10}),
    ("CosineAnnealingLR", {"T_max": 40, "eta_min": 0.01}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 12}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 31}),
    ("OneCycleLR", {"max_lr": [0.5, 0.2], "epochs": 4, "steps_per_epoch": 8, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 33, "three_phase": True, "pct_start": 0.4, "div_factor": 5.0}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 31, "cycle_momentum": False, "final_div_factor": 10.0}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 31, "base_momentum": [0.5, 0.6], "max_momentum": 0.9}),
    ("ReduceLROnPlateau", {"patience": 1}),
    ("ReduceLROnPlateau", {"patience": 0, "factor": 0.5, "cooldown": 2, "min_lr": [0.03, 0.001]}),
    ("ReduceLROnPlateau", {"mode": "max", "patience": 2, "threshold": 0.1}),
    ("ReduceLROnPlateau", {"mode": "max", "patience": 2, "threshold": 0.3, "threshold_mode": "abs"}),
    ("ReduceLROnPlateau", {"patience": 0, "threshold": 0.2, "threshold_mode": "abs", "eps": 1e-3}),
    ("SequentialLR", {"schedulers": [["LinearLR", {"start_factor": 0.1}], ["CosineAnnealingLR", {"T_max": 25}]],
                      "milestones": [5]}),
    ("SequentialLR", {"schedulers": [["LinearLR", {}], ["ExponentialLR", {"gamma": 0.8}], ["StepLR", {"step_size": 3}]],
                      "milestones": [4, 12]}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 12}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 20, "power": 1.7}),
    ("CosineAnnealingWarmRestarts", {"T_0": 7}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4}),
    ("CyclicLR", {"base_lr": [0.01, 0.02], "max_lr": 0.1, "step_size_up": 3, "step_size_down": 5,
                  "mode": "triangular2"}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5, "mode": "exp_range", "gamma": 0.97}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5, "scale_fn": "decline", "scale_mode": "iterations",
                  "base_momentum": [0.5, 0.6], "max_momentum": 0.95}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5, "scale_fn": "decline", "cycle_momentum": False}),
    ("ChainedScheduler", {"schedulers": [["ConstantLR", {"factor": 0.1, "total_iters": 4}],
                                         ["ExponentialLR", {"gamma": 0.9}]]}),
    ("ChainedScheduler", {"schedulers": [["StepLR", {"step_size": 3}], ["PolynomialLR", {"total_iters": 40}],
                                         ["LinearLR", {}]]}),
)  # fmt: skip
METRICS = [math.cos(0.4 * i) + 3 / (1 + i) for i in range(30)]


def make_schedule(module, optimizer, name, options):
    """A schedule of PyTorch's or minigrad's."""
    options = dict(options)
    functions = {"decline": decline, "rise": rise}
    if "lr_lambda" in options:
        names = options["lr_lambda"]
        options["lr_lambda"] = functions[names] if isinstance(names, str) else [functions[x] for x in names]
    if "scale_fn" in options:
        options["scale_fn"] = functions[options["scale_fn"]]
    if "schedulers" in options:
        options["schedulers"] = [make_schedule(module, optimizer, *part) for part in options["schedulers"]]
    if name == "ChainedScheduler":
        return module.ChainedScheduler(**options)
    return getattr(module, name)(optimizer, **options)


def rates(params, optim, name, options):
    """The learning rates and momenta in 31 epochs, the first before any step."""
    optimizer = optim.SGD(
        [{"params": params[:1]}, {"params": params[1:], "lr": 0.02, "momentum": 0.8}], lr=0.1, momentum=0.9
    )
    schedule = make_schedule(optim.lr_scheduler, optimizer, name, options)
    seen = []
    for epoch in range(31):
        seen.append([[group["lr"], group["momentum"]] for group in optimizer.param_groups])
        if epoch < 30:
            optimizer.step()
            schedule.step(*([METRICS[epoch]] if name == "ReduceLROnPlateau" else []))
    return seen


def write(name, lines):
    """One line for each case."""
    text = ",\n".join(json.dumps(line, separators=(",", ":")) for line in lines)
    (HERE / f"{name}.json").write_text(f"[\n{text}\n]\n")


def read(name):
    return json.loads((HERE / f"{name}.json").read_text())


if __name__ == "__main__":
    import torch

    torch.set_default_dtype(torch.float64)  # also of the numbers that optimizers keep
    write("trajectories", trajectories(torch))
    write("lbfgs", [[problem, options, lbfgs(torch, problem, options)] for problem, options in LBFGS_CASES])
    params = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    write("schedules", [[name, options, rates(params, torch.optim, name, options)] for name, options in SCHEDULES])
