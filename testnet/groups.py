"""Errors that nurseries wrapped in groups, made plain again where a person will read them."""

from collections.abc import Iterator
from contextlib import contextmanager


def leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The single errors in a group of groups, in order."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found += leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


@contextmanager
def ungrouped(kind: type[Exception]) -> Iterator[None]:
    """An error of that kind leaves the block by itself, the first of them if there are several."""
    found: list[BaseException] = []
    try:
        yield
    except* kind as group:
        found = leaves(group)
    if found:
        raise found[0]
