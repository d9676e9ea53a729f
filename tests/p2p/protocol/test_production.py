"""When blocks are made, and when not."""

import pytest

from chain.parameters import Consensus
from p2p.protocol.effects import Send
from p2p.protocol.instant import Now
from p2p.protocol.production import SETTLE_S, Production, Surroundings
from p2p.wire.messages import CompactBlock
from tests.p2p.founding import GENESIS_TIME_MS, found
from tests.p2p.protocol.conversation import ANN, FOUNDING, Conversation, extend, make_ledger

ALONE = Surroundings(peers=0, syncing=False, asking=False)
CONNECTED = Surroundings(peers=1, syncing=False, asking=False)


def at(s: float) -> Now:
    return Now(s, GENESIS_TIME_MS + round(s * 1000))


def run(production: Production, around: Surroundings, start: float, end: float) -> list[int]:
    """The slots in which blocks are made."""
    slots = []
    s = start
    while s < end:
        made = production.tick(at(s), around)
        if made is not None:
            slots.append(made.block.header.slot)
        deadline = production.deadline_s()
        assert deadline is not None
        s = max(deadline, s + 0.0005)
    return slots


@pytest.mark.parametrize("index", range(4))
def test_each_authority_makes_one_block_in_each_of_its_slots(index: int) -> None:
    production = Production(make_ledger(), FOUNDING.authorities[index].author, alone=True)
    slots = run(production, ALONE, 0.3, 20.5)
    assert slots == [slot for slot in range(1, 21) if slot % 4 == index]


def test_nobody_produces_without_being_an_author() -> None:
    production = Production(make_ledger(), None, alone=True)
    assert production.deadline_s() is None
    assert production.tick(at(1), CONNECTED) is None


def test_waits_for_peers_at_first_but_not_for_ever() -> None:
    author = FOUNDING.authorities[1].author
    assert run(Production(make_ledger(), author, alone=False), ALONE, 1.0, 2.9) == []
    assert run(Production(make_ledger(), author, alone=False), CONNECTED, 1.0, 2.9) == [1]
    asking = Surroundings(peers=1, syncing=False, asking=True)
    assert run(Production(make_ledger(), author, alone=False), asking, 1.0, 2.9) == []
    lonely = Production(make_ledger(), author, alone=False)
    assert run(lonely, ALONE, 1.0, 1.0 + SETTLE_S + 3) == [5]


def test_never_on_a_stale_head_while_catching_up() -> None:
    production = Production(make_ledger(), FOUNDING.authorities[1].author, alone=True)
    behind = Surroundings(peers=3, syncing=True, asking=False)
    assert run(production, behind, 0, 12) == []
    assert run(production, CONNECTED, 12.5, 14) == [13]


def test_never_two_blocks_in_one_slot_even_after_a_restart() -> None:
    ledger = make_ledger()
    author = FOUNDING.authorities[1].author
    assert run(Production(ledger, author, alone=True), ALONE, 1.0, 1.3) == [1]
    again = Production(ledger, author, alone=True)
    assert run(again, ALONE, 1.3, 4.9) == []
    assert run(again, ALONE, 4.9, 5.5) == [5]


def test_a_clock_stepped_back_makes_no_second_block() -> None:
    ledger = make_ledger()
    production = Production(ledger, FOUNDING.authorities[1].author, alone=True)
    assert run(production, ALONE, 5.0, 5.5) == [5]
    stepped = Now(20.0, GENESIS_TIME_MS + 1000)
    assert production.tick(stepped, ALONE) is None


def test_our_block_goes_to_everybody_at_once() -> None:
    talking = Conversation(author=FOUNDING.authorities[0])
    talking.connect(ANN)
    effects = talking.wait(3)
    pushed = [e for e in effects if isinstance(e, Send) and isinstance(e.message, CompactBlock)]
    assert [e.peer for e in pushed] == [ANN]
    assert talking.ledger.head.height == 1


def test_work_is_searched_in_bites_and_found() -> None:
    founding = found(authorities=1, consensus=Consensus.WORK)
    ledger = make_ledger(founding)
    production = Production(ledger, founding.authorities[0].author, alone=True)
    slots = run(production, ALONE, 1.0, 20.0)
    assert len(slots) >= 3
    assert slots == sorted(set(slots))


def test_a_lagging_author_first_catches_up() -> None:
    source = make_ledger()
    made = extend(source, 30)
    talking = Conversation(author=FOUNDING.authorities[0])
    talking.connect(ANN, 30, made[-1].id)
    talking.wait(3)
    assert talking.ledger.head.height == 0
