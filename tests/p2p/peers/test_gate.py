"""The gate: a flood of handshakes is bounded, and hurts whoever makes it."""

from p2p.peers.gate import (
    ALL_BURST,
    ALL_RATE,
    GROUP_BURST,
    GROUP_RATE,
    GROUPS_REMEMBERED_MAX,
    OPEN_MAX,
    Entry,
    Gate,
)


def admitted(outcome: Entry | str) -> Entry:
    assert isinstance(outcome, Entry), outcome
    return outcome


def test_a_slow_flood_from_one_group_is_full_of_itself_and_lets_others_in() -> None:
    gate = Gate(0)
    flood = [admitted(gate.enter("66.6", n)) for n in range(OPEN_MAX)]
    assert gate.enter("66.6", OPEN_MAX) == "handshakes-full"
    honest = admitted(gate.enter("10.1", OPEN_MAX))
    assert honest.displaced == flood[0].ticket
    assert len(gate) == OPEN_MAX


def test_four_flooding_groups_do_not_displace_one_honest_handshake() -> None:
    gate = Gate(0)
    honest = admitted(gate.enter("10.1", 0))
    for n in range(1000):
        outcome = gate.enter(f"66.{n % 4}", n)
        if isinstance(outcome, Entry):
            assert outcome.displaced != honest.ticket
    assert len(gate) == OPEN_MAX


def test_a_quick_flood_is_slowed_down_by_group_and_in_all() -> None:
    gate = Gate(0)
    outcomes = [gate.enter("66.6", 0) for _ in range(1000)]
    for outcome in outcomes:
        if isinstance(outcome, Entry):
            gate.leave(outcome.ticket)
    assert sum(isinstance(outcome, Entry) for outcome in outcomes) <= GROUP_BURST
    seconds, started = 10, 0
    for n in range(20_000):
        outcome = gate.enter(str(n % 1000), n / 2000)
        if isinstance(outcome, Entry):
            started += 1
            gate.leave(outcome.ticket)
        else:
            assert outcome == "handshakes-rate"
    assert started <= ALL_BURST + ALL_RATE * seconds


def test_who_was_turned_away_is_let_in_a_moment_later() -> None:
    gate = Gate(0)
    while isinstance(outcome := gate.enter("66.6", 0), Entry):
        gate.leave(outcome.ticket)
    assert outcome == "handshakes-group-rate"
    assert isinstance(gate.enter("66.6", 1 / GROUP_RATE), Entry)


def test_remembers_a_bounded_number_of_groups() -> None:
    gate = Gate(0)
    for n in range(GROUPS_REMEMBERED_MAX + 100):
        outcome = gate.enter(str(n), n)
        assert isinstance(outcome, Entry)
        gate.leave(outcome.ticket)
    assert len(gate._groups) == GROUPS_REMEMBERED_MAX
