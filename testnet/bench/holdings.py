"""What a running node holds: the size of every queue, table and cache in it, by name.

It walks the objects of `chain` and `p2p` from attribute to attribute, so whatever an engine keeps
is found without anybody listing it. A name is the way there; what is kept for each peer or each
lane is added up under one name.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from chain.genesis import Genesis

PACKAGES = ("chain", "p2p")
CONTAINERS = (dict, list, set, frozenset, deque, bytearray)
NOT_ENTERED = (Genesis, type)
"""Fixed once and for all."""

STORE = ".store"
"""The name a ledger has its store under: that is the chain itself, which grows."""


def holdings(root: object) -> dict[str, int]:
    """Items in each container below an object, by the way there; the store is not looked into."""
    sizes: dict[str, int] = {}
    seen: set[int] = set()
    waiting: list[tuple[str, object]] = [("", root)]
    while waiting:
        name, value = waiting.pop()
        if id(value) in seen or isinstance(value, NOT_ENTERED) or name.endswith(STORE):
            continue
        seen.add(id(value))
        if isinstance(value, CONTAINERS):
            sizes[name] = sizes.get(name, 0) + len(value)
        waiting += [(f"{name}{way}", inner) for way, inner in _inside(value)]
    return {name.lstrip("."): size for name, size in sorted(sizes.items())}


def _inside(value: object) -> Iterator[tuple[str, object]]:
    """What an object or a container refers to, with the step that leads there."""
    if isinstance(value, dict):
        yield from _items(value.values())
    elif isinstance(value, (list, deque, tuple)):
        yield from _items(value)
    elif any(kind.__module__.split(".")[0] in PACKAGES for kind in type(value).__mro__):
        for name in _attributes(value):
            inner = getattr(value, name, None)
            if isinstance(inner, CONTAINERS) or hasattr(type(inner), "__module__"):
                yield f".{name.strip('_')}", inner


def _items(values: Iterable[object]) -> Iterator[tuple[str, object]]:
    """The elements, unless they are plain: a table of hashes has nothing inside."""
    for inner in values:
        if isinstance(inner, (int, float, str, bytes, type(None))):
            return
        yield "[]", inner


def _attributes(value: object) -> Iterator[str]:
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots
    yield from vars(value) if hasattr(value, "__dict__") else ()
