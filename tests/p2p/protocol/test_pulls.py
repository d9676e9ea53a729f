"""When announced transactions are asked for, and what a tick that comes late changes."""

import random

from p2p.peers.peer import PeerId
from p2p.peers.requests import TIMEOUT_S
from p2p.protocol.effects import Effect, Send
from p2p.protocol.instant import Now
from p2p.protocol.pulls import (
    BUSY_MEMORY_S,
    BUSY_S,
    LATE_MAX_S,
    LATE_S,
    SUSPENDED_MAX_S,
    Pulls,
)
from p2p.wire.fields import Short
from p2p.wire.messages import GetShort

ANN = PeerId(b"a" * 32)
ITEM = Short(b"item one")
ASKED = GetShort(1, (ITEM,))


def at(s: float) -> Now:
    return Now(s, 0)


def announced(due_s: float) -> Pulls:
    pulls = Pulls(random.Random(1))
    pulls.connected(ANN, outbound=True)
    pulls.announced(ANN, [ITEM], due_s)
    return pulls


def asked(effects: list[Effect]) -> bool:
    sends = [effect for effect in effects if isinstance(effect, Send)]
    assert sends in ([], [Send(ANN, ASKED)])
    return bool(sends)


def test_it_is_asked_for_when_its_time_has_come() -> None:
    pulls = announced(due_s=1.0)
    assert pulls.deadline_s() == 1.0
    assert not asked(pulls.due(at(0.9), patient=True))
    assert asked(pulls.due(at(1.0), patient=True))
    assert not asked(pulls.due(at(1.1), patient=True)), "once"


def test_a_late_tick_postpones_by_as_much_unless_nobody_pushes() -> None:
    late_s = 3 * LATE_S
    pulls = announced(due_s=1.0)
    pulls.late(late_s, at(1.0 + late_s))
    assert not asked(pulls.due(at(1.0 + late_s), patient=True))
    assert pulls.deadline_s() == 1.0 + 2 * late_s
    assert asked(pulls.due(at(1.0 + 2 * late_s), patient=True))
    impatient = announced(due_s=1.0)
    impatient.late(late_s, at(1.0 + late_s))
    assert asked(impatient.due(at(1.0 + late_s), patient=False))


def test_a_tick_that_is_hardly_late_postpones_nothing() -> None:
    pulls = announced(due_s=1.0)
    pulls.late(LATE_S / 2, at(1.0 + LATE_S / 2))
    assert asked(pulls.due(at(1.0 + LATE_S / 2), patient=True))


def test_even_a_node_that_is_always_late_asks_in_the_end() -> None:
    pulls = announced(due_s=1.0)
    now_s = 1.0
    pulls.late(10.0, at(now_s))
    while not asked(pulls.due(at(now_s), patient=True)):
        now_s += LATE_MAX_S
        pulls.late(10.0, at(now_s))
        assert now_s <= 1.0 + SUSPENDED_MAX_S + 2 * LATE_MAX_S
    assert now_s >= 1.0 + SUSPENDED_MAX_S


def test_silence_is_a_fault_but_not_while_we_are_busy() -> None:
    pulls = announced(due_s=1.0)
    pulls.due(at(1.0), patient=True)
    assert pulls.faults(at(0.9 + TIMEOUT_S)) == []
    assert pulls.faults(at(1.0 + TIMEOUT_S)) == [ANN]
    busy = announced(due_s=1.0)
    busy.due(at(1.0), patient=True)
    now_s = 1.0 + TIMEOUT_S
    busy.late(2 * BUSY_S, at(now_s))
    assert busy.faults(at(now_s)) == [], "requests do not run out while pulls wait"
    assert busy.faults(at(now_s + BUSY_MEMORY_S / 2)) == [], "they do, but nobody is to blame"
    assert busy.deadline_s() is None
