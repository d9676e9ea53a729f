"""Selectors: which nodes are meant, in a scenario and on the command line.

A selector is terms joined by commas; it means every node that one of its terms means. A term is a
node (`n3`), a span (`n1..n4`), or a word of WORDS, some of which take an argument after a colon.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from chain.toml import nearest
from testnet.errors import Unfit

SPAN = re.compile(r"(n[0-9]{1,6})\.\.(n[0-9]{1,6})")
COUNT = re.compile(r"[0-9]{1,6}")
EVERY = "*"
LISTED_MAX = 12
"""More nodes than this are told as `first..last`: a list of two hundred names helps nobody."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The nodes a selector can mean, in order, and what is known about them.

    `authors` are those that make blocks. `cities` are (node, city) pairs. `leader` is the node
    whose block is expected next, empty where no network runs. `beside` are the nodes that were
    selected as `on`: `others` means everyone else.
    """

    names: tuple[str, ...]
    authors: tuple[str, ...] = ()
    cities: tuple[tuple[str, str], ...] = ()
    leader: str = ""
    hostile: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


Nodes = tuple[str, ...]
Pick = Callable[[Cast, str, random.Random], Nodes]
"""A word's meaning: the cast, the text after the colon, and chance."""


def resolve(selector: str, cast: Cast, rng: random.Random) -> Nodes:
    """The nodes that are meant, in the cast's order, each once; deterministic for a given rng.

    Raises Unfit when a term is unknown, names a node or city that is not there, or the selector
    means nobody.
    """
    chosen = frozenset(name for term in terms(selector) for name in pick(term, cast, rng))
    nodes = tuple(name for name in cast.names if name in chosen)
    if not nodes:
        raise Unfit("nobody", f"{selector!r} means none of {listed(cast.names)}")
    return nodes


def terms(selector: str) -> tuple[str, ...]:
    """The terms between the commas. Raises Unfit when one is empty."""
    found = tuple(term.strip() for term in selector.split(","))
    if not all(found):
        raise Unfit("selector", f"{selector!r} has an empty term; write n1,n3 or all")
    return found


def needs_run(selector: str) -> bool:
    """Whether only a running network knows who is meant."""
    return "leader" in terms(selector)


def pick(term: str, cast: Cast, rng: random.Random) -> Nodes:
    """The nodes one term means."""
    if term in cast.names:
        return (term,)
    if span := SPAN.fullmatch(term):
        return between(span[1], span[2], cast)
    word, colon, argument = term.partition(":")
    if word not in WORDS or bool(colon) != WORDS[word].takes_argument:
        raise unknown(term, cast)
    return WORDS[word].pick(cast, argument, rng)


def unknown(term: str, cast: Cast) -> Unfit:
    """What to say about a term that means nothing."""
    if re.fullmatch(r"n[0-9]+", term):
        return Unfit("unknown-node", f"no node {term!r}; there are {listed(cast.names)}")
    forms = [word.form for word in WORDS.values()]
    return Unfit("selector", f"{term!r} selects nothing; {nearest(term, [*forms, *cast.names])}")


def listed(names: Nodes) -> str:
    """The names for people: all of them, or the first and the last."""
    if len(names) <= LISTED_MAX:
        return ", ".join(names) or "no nodes"
    return f"{names[0]}..{names[-1]}"


def between(first: str, last: str, cast: Cast) -> Nodes:
    """n1..n4, both included."""
    for name in (first, last):
        if name not in cast.names:
            raise unknown(name, cast)
    low, high = cast.names.index(first), cast.names.index(last)
    if low > high:
        raise Unfit("selector", f"{first}..{last} runs backwards; write {last}..{first}")
    return cast.names[low : high + 1]


def without(names: Nodes, left_out: Nodes) -> Nodes:
    """The names that are not left out, in order."""
    out = frozenset(left_out)
    return tuple(name for name in names if name not in out)


def everyone(cast: Cast, argument: str, rng: random.Random) -> Nodes:
    return cast.names


def others(cast: Cast, argument: str, rng: random.Random) -> Nodes:
    if not cast.beside:
        raise Unfit("selector", "'others' stands beside a selection; use it in `to`, not in `on`")
    if len(cast.beside) == len(cast.names):
        raise Unfit("selector", "`on` selects every node, so there are no 'others'")
    return without(cast.names, cast.beside)


def honest(cast: Cast, argument: str, rng: random.Random) -> Nodes:
    return without(cast.names, cast.hostile)


def leader(cast: Cast, argument: str, rng: random.Random) -> Nodes:
    if not cast.leader:
        raise Unfit("selector", "'leader' is known only while a network runs; name a node")
    return (cast.leader,)


def producer(cast: Cast, argument: str, rng: random.Random) -> Nodes:
    if argument == EVERY:
        return cast.authors
    place = counted(argument, len(cast.authors), f"producer:{argument}", "producers")
    return (cast.authors[place - 1],)


def city(cast: Cast, argument: str, rng: random.Random) -> Nodes:
    there = tuple(name for name, where in cast.cities if where == argument)
    if not there:
        inhabited = dict.fromkeys(where for _, where in cast.cities if where)
        raise Unfit("city", f"no node is in {argument!r}; {nearest(argument, inhabited)}")
    return there


def some(cast: Cast, argument: str, rng: random.Random) -> Nodes:
    free = without(cast.names, cast.beside)
    count = counted(argument, len(free), f"rand:{argument}", "nodes")
    return tuple(rng.sample(free, count))


def minority(cast: Cast, argument: str, rng: random.Random) -> Nodes:
    return halves(cast, rng)[0]


def majority(cast: Cast, argument: str, rng: random.Random) -> Nodes:
    return halves(cast, rng)[1]


def halves(cast: Cast, rng: random.Random) -> tuple[Nodes, Nodes]:
    """As many nodes as can be outvoted, drawn at random, and the rest.

    Of the same stream the two always complete each other.
    """
    order = rng.sample(cast.names, len(cast.names))
    small = (len(order) - 1) // 2
    return tuple(order[:small]), tuple(order[small:])


def counted(text: str, most: int, term: str, what: str) -> int:
    """A number from 1 to how many there are."""
    count = int(text) if COUNT.fullmatch(text) else 0
    if not 1 <= count <= most:
        raise Unfit("selector", f"{term}: there are {most} {what}; write a number up to {most}")
    return count


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the language: how it is written, whom it means."""

    form: str
    about: str
    pick: Pick

    @property
    def takes_argument(self) -> bool:
        return ":" in self.form


WORDS = {
    word.form.partition(":")[0]: word
    for word in (
        Word("all", "every node", everyone),
        Word("others", "every node that `on` did not select; in `to` only", others),
        Word("honest", "every node that no byzantine fault of the scenario makes hostile", honest),
        Word(
            "producer:*", "the nodes that make blocks; `producer:2` is the second of them", producer
        ),
        Word("city:NAME", "the nodes placed in that city", city),
        Word("rand:N", "N nodes, drawn anew for each seed and each fault", some),
        Word("minority", "as many nodes as a majority can outvote, drawn like `rand`", minority),
        Word("majority", "more than half of the nodes, drawn like `rand`", majority),
        Word("leader", "the node whose block is due when the fault begins", leader),
    )
}
