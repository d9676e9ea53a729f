"""Who makes way: never the honest who were there before, whatever the attacker has a lot of."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.peers.eviction import Guest, evicted
from p2p.peers.peer import PeerId
from p2p.peers.usefulness import NEVER_S, Use, Usefulness

SECRET = bytes(32)
SLOTS = 32


def peer(number: int) -> PeerId:
    return PeerId(number.to_bytes(32, "big"))


def guest(number: int, group: str, since_s: float, latency_ms: float | None = 50) -> Guest:
    return Guest(peer(number), group, since_s, latency_ms, NEVER_S, NEVER_S)


def crowd(size: int, group: Callable[[int], str], since_s: float = 100.0) -> list[Guest]:
    return [guest(1000 + n, group(n), since_s + n, 1.0) for n in range(size)]


def siege(guests: list[Guest], newcomers: list[Guest]) -> list[Guest]:
    """All newcomers ask for a slot, one after the other."""
    held = list(guests)
    for new in newcomers:
        leaves = evicted(held, new.group, SECRET)
        if leaves is not None:
            held = [one for one in held if one.peer != leaves] + [new]
    return held


def test_the_most_numerous_group_loses_its_youngest() -> None:
    guests = [guest(n, f"g{n}", n) for n in range(8)] + crowd(24, lambda _: "66.6")
    assert evicted(guests, "new", SECRET) == guests[-1].peer


def test_a_newcomer_of_the_most_numerous_group_is_turned_away() -> None:
    guests = [guest(n, f"g{n}", n) for n in range(8)] + crowd(24, lambda _: "66.6")
    assert evicted(guests, "66.6", SECRET) is None


def test_slots_are_never_all_of_one_group_once_another_asks() -> None:
    held = siege(crowd(SLOTS, lambda _: "66.6"), [guest(1, "10.1", 500)])
    assert {one.group for one in held} == {"66.6", "10.1"}


@pytest.mark.parametrize("groups", [1, 4, 16, 10_000])
def test_a_flood_from_however_many_groups_pushes_out_no_long_lived_half(groups: int) -> None:
    honest = [guest(n, f"h{n}", n) for n in range(SLOTS)]
    held = siege(honest, crowd(2_000, lambda n: f"a{n % groups}"))
    stay = {one.peer for one in held}
    assert all(one.peer in stay for one in honest[: SLOTS // 2 - 4])
    assert len(held) == SLOTS


def test_who_is_near_and_who_brings_news_stays_though_it_came_last() -> None:
    guests = [guest(n, "g", n) for n in range(SLOTS)]
    near = replace(guests[-1], latency_ms=0.1)
    blocks = replace(guests[-2], block_s=1000.0)
    transactions = replace(guests[-3], transaction_s=1000.0)
    guests[-3:] = [transactions, blocks, near]
    left = {evicted(guests, f"new{n}", bytes([n]) * 32) for n in range(8)}
    assert left.isdisjoint({near.peer, blocks.peer, transactions.peer})


def test_which_groups_are_preferred_is_the_nodes_secret() -> None:
    guests = [guest(n, f"g{n}", 1.0) for n in range(SLOTS)]
    assert len({evicted(guests, "new", bytes([n]) * 32) for n in range(20)}) > 1


@given(st.integers(1, 64), st.integers(1, 8), st.randoms(use_true_random=False))
def test_whoever_leaves_was_there_and_is_not_the_eldest(
    slots: int, groups: int, rng: random.Random
) -> None:
    guests = [guest(n, f"g{rng.randrange(groups)}", rng.random() * 1000) for n in range(slots)]
    leaves = evicted(guests, "new", SECRET)
    eldest = min(guests, key=lambda one: (one.since_s, one.peer))
    assert leaves is None or leaves in {one.peer for one in guests}
    assert leaves != eldest.peer


def test_uses_are_those_of_the_connection() -> None:
    uses = Usefulness()
    uses.credit(peer(1), Use.BLOCK, 1)
    assert uses.of(peer(1)).block_s == NEVER_S
    uses.connected(peer(1))
    uses.credit(peer(1), Use.BLOCK, 2)
    uses.credit(peer(1), Use.TRANSACTION, 3)
    assert (uses.of(peer(1)).block_s, uses.of(peer(1)).transaction_s) == (2, 3)
    uses.disconnected(peer(1))
    assert uses.of(peer(1)).block_s == NEVER_S
