"""The operations that a tensor depends on, in order, and where they repeat themselves. No recursion."""

from collections.abc import Callable, Hashable, Mapping, Sequence

from ..core.tape import Node, operands_of, parents_of

Stretch = tuple[int, int, int]  # start, stop, period: what repeats the period before it

CONTEXT = 4  # so many operations in a row are looked up to guess a period
WORTH = 8  # fewer operations than these are not folded


def sources(node: Node) -> list[Node]:
    """The results of operations that went into `node`."""
    return [source for source in parents_of(node) if source.primitive is not None]


def ordered_nodes(root: Node, heights: Mapping[Node, int]) -> dict[Node, int]:
    """The operations below `root` and itself, each after those that it needs; with the height: how many in a row.

    Of several needed by one, the highest by the `heights` given comes first, so that the steps of a loop stay
    together: what is added in a step is computed in that step.
    """
    done: dict[Node, int] = {}
    waiting = [root]
    while waiting:
        node = waiting[-1]
        if node in done:
            waiting.pop()
            continue
        needed = sources(node)
        missing = [source for source in needed if source not in done]
        if not missing:
            done[waiting.pop()] = 1 + max((done[source] for source in needed), default=0)
        elif len(missing) == 1:
            waiting.append(missing[0])
        else:
            waiting += sorted(missing, key=lambda source: heights.get(source, 0), reverse=True)[::-1]
    return done


def operations(root: Node) -> list[Node]:
    """The operations below `root` and itself, in an order in which they can be computed."""
    if root.primitive is None:
        return []
    heights = ordered_nodes(root, {})
    if heights[root] == len(heights):  # a chain, which has no other order
        return list(heights)
    return list(ordered_nodes(root, heights))


def repetitions(nodes: Sequence[Node]) -> list[Stretch]:
    """Stretches (start, stop, period) of an ordered list of operations that repeat the period before them."""
    number = {node: i for i, node in enumerate(nodes)}
    kinds: dict[Hashable, int] = {}  # numbered, as numbers are soon compared
    keys = [
        kinds.setdefault((node.primitive.name, value.shape, value.dtype), len(kinds))
        for node in nodes
        for value in (node.y,)
    ]

    def same(i: int, j: int) -> bool:
        return keys[i] == keys[j] and same_inputs(nodes[i], nodes[j], i - j, number)

    contexts = [tuple(keys[max(0, i - CONTEXT + 1) : i + 1]) for i in range(len(keys))]
    return periodic_stretches(contexts, same)


def same_inputs(node: Node, other: Node, distance: int, number: Mapping[Node, int]) -> bool:
    """Whether two operations take the same leaves and results, or results from as far before each."""
    ours, theirs = operands_of(node), operands_of(other)
    if len(ours) != len(theirs):
        return False
    for a, b in zip(ours, theirs, strict=True):
        if type(a) is not Node or type(b) is not Node:
            if type(a) is Node or type(b) is Node:
                return False
        elif a is not b and not (a in number and b in number and number[a] - number[b] == distance):
            return False
    return True


def periodic_stretches(contexts: Sequence[Hashable], same: Callable[[int, int], bool]) -> list[Stretch]:
    """Where a sequence is periodic: (start, stop, period), a whole number of periods, after one that is not in it.

    A period is guessed from when the same context was last met, and kept for as long as it is right; so this takes
    a time in proportion to the length.
    """
    found: list[Stretch] = []
    last: dict[Hashable, int] = {}
    start = period = free = 0
    for i in range(len(contexts) + 1):
        ended = i == len(contexts)
        if ended or not (period and same(i, i - period)):
            if period and i - start >= period:
                earliest = max(free + period, start - period - CONTEXT)
                while start > earliest and same(start - 1, start - 1 - period):
                    start -= 1
                start += (i - start) % period  # so that the last step of a loop is whole
                if i - start >= max(WORTH, 2 * period):
                    found.append((start, i, period))
                    free = i
            period = 0 if ended else i - last.get(contexts[i], i)
            start = max(i, free + period)
            if period and not same(i, i - period):
                period = 0
        if not ended:
            last[contexts[i]] = i
    return found


def selection(count: int, folded: Sequence[Stretch], limit: int) -> tuple[list[int], list[Stretch]]:
    """The numbers of the last `limit` of `count` operations that are not folded, and the stretches among them.

    A stretch is among them if the period that it repeats is there.
    """
    shown: list[int] = []
    kept: list[Stretch] = []
    end = count
    while end and len(shown) < limit:
        stretch = folded[-1 - len(kept)] if len(kept) < len(folded) else (0, 0, 0)
        start, stop, period = stretch
        if stop == end:
            if len(shown) + period > limit:
                break
            kept.append(stretch)
            end = start
        end -= 1
        shown.append(end)
    return shown[::-1], kept[::-1]
