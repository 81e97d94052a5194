"""Which modules train, and the mode that each is left in."""

from collections.abc import Sequence
from typing import Any, Self

from ..nn import Module


class Ready(int):
    """The mode in which `fit` leaves a module whose mode was never set: 0, which is False."""


class Modes:
    """The modes of a model during a training, and those that it is left in, whatever ends the training.

    A part that was put in eval mode stays in it: if the model was not so as a whole, or if all parameters of that part
    are frozen. A module whose mode was never set is ready for use after the training: in eval mode.
    """

    before: Sequence[tuple[Module, Any]] = ()

    def __init__(self, model: Module) -> None:
        self.model = model
        self.before = [(module, vars(module).get("training")) for module in model.modules()]
        frozen = {id(m) for part in model.modules() if is_frozen(part) for m in part.modules()}
        whole = all(map(is_off, model.modules()))
        self.kept = [m for m in model.modules() if is_off(m) and (not whole or id(m) in frozen)]

    def train(self) -> None:
        """Train, but for the parts that stay as they are."""
        self.model.train()
        for module in self.kept:
            module.training = False

    def eval(self) -> None:
        """Compute each example by itself."""
        self.model.eval()

    def restore(self, ready: bool) -> None:
        """Give all modules their modes back; `ready`, if those that have none of their own are to be used now."""
        known = {id(module) for module, _ in self.before}
        added = [(m, None) for m in self.model.modules() if known and id(m) not in known and m.training]
        for module, mode in [*self.before, *added]:
            own: dict[str, Any] = vars(module)
            own["training"] = mode  # also of a part that was added meanwhile
            if mode is None:
                del own["training"]
                own |= {"training": Ready()} if ready and module.training else {}
        self.before = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self.restore(ready=kind is None or kind is KeyboardInterrupt)

    def __del__(self) -> None:
        self.restore(ready=True)  # where an interrupt came as `__exit__` began


def is_off(module: Module) -> bool:
    """Whether a module was put into eval mode explicitly."""
    return not module.training and not isinstance(module.training, Ready)


def is_frozen(module: Module) -> bool:
    """Whether a module has parameters, and learns none of them."""
    parameters = module.parameters()
    return bool(parameters) and not any(p.requires_grad for p in parameters)
