"""Bodies on their way in, and those that never get there."""

from itertools import count

from chain.block import Block
from chain.consensus.engine import HeaderNode
from chain.ledger import Ledger
from p2p.protocol.effects import CheckSignatures
from p2p.protocol.intake import Intake
from p2p.protocol.wanted import Wanted
from tests.p2p.protocol.conversation import ANN, FOUNDING, extend, make_ledger


def three_blocks() -> list[Block]:
    """Each after the other, each with a transaction whose signature is to be checked."""
    ledger = make_ledger()
    made: list[Block] = []
    for number in range(3):
        ledger.submit(FOUNDING.transfer(number), 1)
        made += extend(ledger, 1)
    return made


def offered(made: list[Block]) -> tuple[Ledger, Wanted, Intake, list[int]]:
    ledger, wanted = make_ledger(), Wanted()
    intake = Intake(ledger, wanted, count(1))
    jobs: list[int] = []
    for block in made:
        wanted.add(HeaderNode(block.header, block.seal, 1, 0), ANN)
        for effect in intake.offer(block, ANN, passed_on=False):
            assert isinstance(effect, CheckSignatures)
            jobs.append(effect.job)
    return ledger, wanted, intake, jobs


def test_what_builds_on_a_block_that_cannot_be_is_let_go_when_its_signatures_are_checked() -> None:
    """The verdicts come after the block below has been forgotten, with all that build on it."""
    made = three_blocks()
    _, wanted, intake, (first, second, third) = offered(made)
    assert intake.signatures_checked(third, [True]) == []
    assert len(intake.signatures_checked(first, [False])) == 1
    wanted.reject(made[0].header.id)
    intake.drop(made[0].header.id)
    assert made[1].header.id in intake, "it is being checked"
    assert intake.signatures_checked(second, [True]) == []
    assert len(intake) == 0
    assert not intake.ready


def test_what_waits_for_its_parent_follows_it() -> None:
    made = three_blocks()
    _, _, intake, (first, second, third) = offered(made)
    for job in (third, second, first):
        assert intake.signatures_checked(job, [True]) == []
    assert len(intake) == 3
    assert intake.ready
