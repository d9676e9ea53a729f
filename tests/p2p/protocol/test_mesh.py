"""The choice of eager links, and the leases at their other end."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.peers.peer import PeerId
from p2p.protocol.effects import Effect, Send
from p2p.protocol.instant import Now
from p2p.protocol.leases import GUEST_S, LEASES_MAX, Leases
from p2p.protocol.mesh import (
    LEASE_S,
    PATIENCE_MAX_S,
    PATIENCE_MIN_S,
    PLAN_S,
    REPLAN_S,
    Mesh,
)
from p2p.wire.fields import Short
from p2p.wire.messages import LEASE_MAX, Eager


def peer(number: int) -> PeerId:
    return PeerId(bytes([number]) * 32)


def short(number: int) -> Short:
    return Short(number.to_bytes(8))


def at(s: float) -> Now:
    return Now(s, 0)


def leases(effects: list[Effect]) -> dict[PeerId, int]:
    """Who is asked for a lease, and who is given it back."""
    return {
        effect.peer: effect.message.lease_s
        for effect in effects
        if isinstance(effect, Send) and isinstance(effect.message, Eager)
    }


def mesh_of(eager: int, peers: int, outbound: int = 1, seed: int = 1) -> Mesh:
    """Peers 1, 2, ...; the last ones were dialled, each of a network group of its own."""
    mesh = Mesh(eager, random.Random(seed))
    for number in range(1, peers + 1):
        dialled = number > peers - outbound
        mesh.connected(peer(number), at(0), outbound=dialled, group=str(number))
    return mesh


def show(mesh: Mesh, lags_s: dict[int, float], items: range) -> None:
    """Every item is first shown by the quickest."""
    for item in items:
        for number, lag_s in sorted(lags_s.items(), key=lambda pair: pair[1]):
            mesh.saw(peer(number), short(item), item + lag_s)
        mesh.took(short(item))


def test_too_few_links_are_filled_up_at_once() -> None:
    mesh = Mesh(2, random.Random(1))
    assert leases(mesh.connected(peer(1), at(0), outbound=False, group="a")) == {peer(1): LEASE_S}
    assert leases(mesh.connected(peer(2), at(0), outbound=False, group="b")) == {peer(2): LEASE_S}
    assert mesh.connected(peer(3), at(0), outbound=True, group="c") == []


def test_without_eager_links_nobody_is_asked_and_nothing_waits() -> None:
    mesh = mesh_of(0, 5)
    assert mesh.tick(at(PLAN_S)) == []
    assert mesh.eager == ()
    assert mesh.patience_s() == 0


def test_the_quickest_is_kept_the_other_is_drawn_and_leases_are_renewed() -> None:
    mesh = mesh_of(2, 6)
    drawn: dict[PeerId, None] = {}
    for plan in range(1, 40):
        show(
            mesh,
            {1: 0.08, 2: 0.06, 3: 0.01, 4: 0.09, 5: 0.07, 6: 0.05},
            range(plan * 50, plan * 50 + 50),
        )
        asked = leases(mesh.tick(at(plan * PLAN_S)))
        assert [asked[eager] for eager in mesh.eager] == [LEASE_S, LEASE_S]
        drawn[mesh.eager[1]] = None
        if plan > 3:
            assert mesh.eager[0] == peer(3)
    assert list(drawn) == [peer(6)], "the only one that was dialled"


def test_who_shows_nothing_is_no_quick_link() -> None:
    mesh = mesh_of(2, 3, outbound=3)
    for plan in range(1, 6):
        show(mesh, {2: 0.03, 3: 0.05}, range(plan * 50, plan * 50 + 50))
        mesh.tick(at(plan * PLAN_S))
        assert plan < 2 or mesh.eager[0] == peer(2)


@pytest.mark.parametrize("invented", [50, 5_000, 50_000])
def test_who_announces_ids_that_nobody_has_is_no_quick_link(invented: int) -> None:
    mesh = mesh_of(2, 3, outbound=3)
    made_up = itertools.count(1 << 60)
    for plan in range(1, 6):
        for item in range(plan * 50, plan * 50 + 50):
            for _ in range(invented // 50):
                mesh.saw(peer(1), short(next(made_up)), item)
            show(mesh, {2: 0.03, 3: 0.05}, range(item, item + 1))
        mesh.tick(at(plan * PLAN_S))
        assert plan < 2 or mesh.eager[0] == peer(2)
    assert mesh.patience_s() < 2 * 0.06


def test_what_counts_late_counts_from_when_it_was_shown() -> None:
    mesh = mesh_of(2, 3, outbound=3)
    for item in range(50):
        for number, at_s in ((2, 0.0), (3, 0.1), (1, 0.2)):
            mesh.saw(peer(number), short(item), item + at_s)
            mesh.saw(peer(2), short(item), item + at_s)  # again: the first time counts
    for item in range(50):
        mesh.took(short(item))
        mesh.took(short(item))
    mesh.tick(at(PLAN_S))
    assert mesh.eager[0] == peer(2)


def test_a_link_that_ends_is_replaced_at_once() -> None:
    mesh = mesh_of(2, 4, outbound=2)
    before = mesh.eager
    effects = mesh.disconnected(before[0])
    assert len(mesh.eager) == 2
    assert leases(effects) == {next(p for p in mesh.eager if p not in before): LEASE_S}


def test_who_brought_what_others_did_not_becomes_eager_but_not_every_moment() -> None:
    mesh = mesh_of(2, 4, outbound=4)
    lazy = [peer(n) for n in range(1, 5) if peer(n) not in mesh.eager]
    last = mesh.eager[1]
    assert leases(mesh.pulled(lazy[0], at(1))) == {lazy[0]: LEASE_S, last: 0}
    assert mesh.pulled(lazy[1], at(1 + REPLAN_S / 2)) == []
    assert mesh.pulled(lazy[0], at(1 + REPLAN_S)) == []
    assert leases(mesh.pulled(lazy[1], at(1 + REPLAN_S))) == {lazy[1]: LEASE_S, lazy[0]: 0}


def test_patience_follows_the_lag_within_its_bounds() -> None:
    mesh = mesh_of(1, 2, outbound=2)
    (eager,) = mesh.eager
    other = peer(1) if eager == peer(2) else peer(2)
    assert mesh.patience_s() == PATIENCE_MIN_S
    for item in range(200):
        mesh.saw(other, short(item), item)
        mesh.saw(eager, short(item), item + 0.2)
        mesh.took(short(item))
    assert 0.39 < mesh.patience_s() <= 0.4
    for item in range(200, 400):
        mesh.saw(other, short(item), item)
        mesh.took(short(item))
        mesh.saw(eager, short(item), item + 5.0)
    assert mesh.patience_s() == PATIENCE_MAX_S


@given(st.integers(0, 2**32))
def test_whatever_happens_links_are_distinct_connected_and_diverse(seed: int) -> None:
    rng = random.Random(seed)
    mesh = Mesh(rng.randrange(4), rng)
    wanted = mesh.wanted
    links: dict[PeerId, tuple[bool, str]] = {}
    granted: dict[PeerId, int] = {}
    now = 0.0
    for step in range(60):
        now += rng.choice([0, 0.3, PLAN_S])
        one = peer(rng.randrange(1, 9))
        effects: list[Effect] = []
        match rng.randrange(4):
            case 0 if one not in links:
                links[one] = rng.random() < 0.4, rng.choice("ab")
                outbound, group = links[one]
                effects = mesh.connected(one, at(now), outbound=outbound, group=group)
            case 1 if one in links:
                del links[one]
                granted.pop(one, None)
                effects = mesh.disconnected(one)
            case 2 if one in links:
                mesh.saw(one, short(step // 3), now)
                mesh.took(short(rng.randrange(20)))
                effects = mesh.pulled(one, at(now))
            case _:
                effects = mesh.tick(at(now))
                if effects and len(mesh.eager) > 1:
                    kinds = [links[p] for p in mesh.eager]
                    assert any(o for o, _ in kinds) or not any(o for o, _ in links.values())
        granted.update(leases(effects))
        assert [p for p in mesh.eager if p not in links] == []
        assert len(mesh.eager) == min(wanted, len(links))
        assert {p for p, lease_s in granted.items() if lease_s} == set(mesh.eager)


def test_leases_end_by_themselves_and_are_given_back() -> None:
    held = Leases()
    for number in (1, 2):
        held.connected(peer(number), outbound=False)
        assert held.asked(peer(number), LEASE_S, 0)
    assert held.holders(LEASE_S - 1) == [peer(1), peer(2)]
    held.asked(peer(1), 0, 5)
    assert held.holders(5) == [peer(2)]
    assert held.holders(LEASE_S) == []


def test_leases_are_few_and_whom_we_dialled_takes_a_strangers_place() -> None:
    held = Leases()
    for number in range(LEASES_MAX + 2):
        held.connected(peer(number), outbound=False)
    assert [held.asked(peer(n), LEASE_S, 0) for n in range(LEASES_MAX + 1)] == [
        *[True] * LEASES_MAX,
        False,
    ]
    assert held.asked(peer(0), LEASE_S, 1), "a renewal needs no new place"
    ours = peer(100)
    held.connected(ours, outbound=True)
    assert held.asked(ours, LEASE_S, 1)
    assert len(held.holders(1)) == LEASES_MAX
    assert ours in held.holders(1)
    assert held.asked(peer(LEASES_MAX + 1), LEASE_S, LEASE_S + 2), "the places are free again"


def test_those_that_dialled_us_take_turns_whoever_asks_loudest() -> None:
    held = Leases()
    sybils, honest = [peer(n) for n in range(LEASES_MAX)], [peer(100), peer(101)]
    for each in (*sybils, *honest):
        held.connected(each, outbound=False)
    pushed_s = dict.fromkeys([*sybils, *honest], 0)
    for second in range(20 * round(GUEST_S)):
        for sybil in sybils:
            held.asked(sybil, LEASE_MAX, second)
        if second % PLAN_S == 0:
            for each in honest:
                held.asked(each, LEASE_S, second)
        holders = held.holders(second)
        assert len(holders) == LEASES_MAX
        for each in holders:
            pushed_s[each] += 1
    fair_s = 20 * GUEST_S * LEASES_MAX / len(pushed_s)
    assert all(abs(time_s - fair_s) < 3 * GUEST_S for time_s in pushed_s.values())


def test_whoever_waits_and_leaves_or_gives_up_is_passed_over() -> None:
    held = Leases()
    for number in range(LEASES_MAX + 4):
        held.connected(peer(number), outbound=False)
        held.asked(peer(number), LEASE_MAX if number < LEASES_MAX else LEASE_S, 0)
    gone, done, late, last = (peer(LEASES_MAX + n) for n in range(4))
    held.disconnected(gone)
    held.asked(done, 0, 1)
    held.asked(last, 2 * LEASE_S, 1)
    assert held.asked(peer(0), 0, 2)
    assert not held.asked(last, LEASE_S, 2), "the other one has waited longer"
    assert held.holders(2) == [*map(peer, range(1, LEASES_MAX)), late]
    assert held.asked(last, LEASE_S, LEASE_S + 2)
