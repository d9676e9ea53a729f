"""Splits: which nodes may not reach which, as people write it (n1..n4/n5..n8)."""

import re

from testnet.errors import Unfit

Groups = tuple[tuple[str, ...], ...]

SPAN = re.compile(r"n(\d{1,4})\.\.n(\d{1,4})")


def parse_groups(text: str, names: tuple[str, ...]) -> Groups:
    """'n1..n4/n5,n6': groups apart from each other; nodes not named form one more group.

    Raises Unfit for unknown nodes, a node in two groups, or fewer than two groups.
    """
    groups = [parse_names(part, names) for part in text.split("/")]
    rest = tuple(name for name in names if not any(name in group for group in groups))
    if rest:
        groups.append(rest)
    check_groups(tuple(groups), names)
    return tuple(groups)


def parse_names(text: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """'n1..n3,n7' as names, in order. Raises Unfit for a name the testnet does not have."""
    chosen: list[str] = []
    for part in (piece.strip() for piece in text.split(",")):
        span = SPAN.fullmatch(part)
        if span is None:
            chosen.append(part)
        else:
            first, last = int(span[1]), int(span[2])
            if first > last:
                raise Unfit("nodes", f"{part} runs backwards; write n{last}..n{first}")
            chosen += [f"n{number}" for number in range(first, last + 1)]
    for name in chosen:
        if name not in names:
            raise Unfit("unknown-node", f"no node {name!r}; there are {', '.join(names)}")
    return tuple(dict.fromkeys(chosen))


def check_groups(groups: Groups, names: tuple[str, ...]) -> None:
    """Unfit unless there are two or more groups, none empty, no node twice, none unknown."""
    if len(groups) < 2 or not all(groups):
        raise Unfit("split", f"a split needs two groups with nodes in each, got {len(groups)}")
    seen: set[str] = set()
    for name in (name for group in groups for name in group):
        if name not in names:
            raise Unfit("unknown-node", f"no node {name!r}; there are {', '.join(names)}")
        if name in seen:
            raise Unfit("split", f"node {name!r} is in two groups")
        seen.add(name)
