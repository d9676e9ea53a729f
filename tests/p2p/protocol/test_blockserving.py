"""What blocks may be asked for, and what asking for more than that costs us."""

import pytest

from chain.block import Block
from chain.primitives.hashing import Hash
from p2p.protocol.blockserving import (
    ANSWER_BYTES_MAX,
    SERVED_BYTES_BURST,
    SERVED_BYTES_LEAST,
    SERVED_BYTES_RATE,
)
from p2p.protocol.effects import Effect, Send
from p2p.protocol.relay import MADE_MAX
from p2p.wire.messages import (
    Blocks,
    BlockTransactions,
    CompactBlock,
    GetBlocks,
    GetBlockTransactions,
    GetCompactBlock,
    Message,
)
from tests.p2p.protocol.conversation import ANN, BOB, FOUNDING, SLOT_NOW, Conversation, extend

UNKNOWN = Hash(b"?" * 32)


def full_blocks(talking: Conversation, count: int, size: int) -> list[Block]:
    """Blocks of so many transactions each."""
    made: list[Block] = []
    for start in range(0, count * size, size):
        for number in range(start, start + size):
            talking.ledger.submit(FOUNDING.transfer(number), SLOT_NOW)
        made += extend(talking.ledger, 1)
    return made


def talk() -> Conversation:
    talking = Conversation()
    talking.connect(ANN)
    talking.connect(BOB)
    return talking


def spend(talking: Conversation) -> None:
    """ANN asks for blocks that do not exist until nothing of hers is left."""
    for _ in range(SERVED_BYTES_BURST // SERVED_BYTES_LEAST // 64 + 1):
        talking.say(ANN, GetBlocks(1, (UNKNOWN,) * 64))


def messages(effects: list[Effect]) -> list[Message]:
    return [effect.message for effect in effects if isinstance(effect, Send)]


def test_who_has_spent_everything_makes_us_read_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    talking = talk()
    (block,) = full_blocks(talking, 1, 3)
    spend(talking)
    read: list[Hash] = []
    monkeypatch.setattr(talking.ledger, "block", read.append)
    assert messages(talking.say(ANN, GetBlocks(1, (block.id,) * 64))) == [Blocks(1, ())]
    asked = GetBlockTransactions(1, block.id, (0,))
    assert messages(talking.say(ANN, asked)) == [BlockTransactions(1, ())]
    assert messages(talking.say(ANN, GetCompactBlock(block.id))) == []
    assert read == []


def test_a_block_that_can_only_be_paid_in_part_is_served_on_credit_and_the_next_one_is_not() -> (
    None
):
    talking = talk()
    (block,) = full_blocks(talking, 1, 60)
    size = sum(map(len, block.transactions))
    spend(talking)
    talking.s += 1.5 * SERVED_BYTES_LEAST / SERVED_BYTES_RATE
    answer = messages(talking.say(ANN, GetBlocks(1, (block.id, block.id))))
    assert [len(message.raws) for message in answer if isinstance(message, Blocks)] == [1, 0]
    talking.s += 0.5 * size / SERVED_BYTES_RATE
    assert messages(talking.say(ANN, GetBlocks(2, (block.id,)))) == [Blocks(2, ())]
    assert len(messages(talking.say(BOB, GetBlocks(3, (block.id,))))) == 1
    talking.s += 1.0
    (again,) = messages(talking.say(ANN, GetBlocks(4, (block.id,))))
    assert isinstance(again, Blocks)
    assert len(again.raws) == 1


def test_compact_forms_of_old_blocks_are_paid_for_as_what_they_cost() -> None:
    """Each is made anew: read, and hashed from end to end. Asking in turn must not be a way to."""
    talking = talk()
    made = full_blocks(talking, MADE_MAX + 1, 40)
    served = 0
    for turn in range(4_000):
        asked = GetCompactBlock(made[turn % len(made)].id)
        served += len(messages(talking.say(ANN, asked)))
    assert served * 40 * 512 <= SERVED_BYTES_BURST + ANSWER_BYTES_MAX
    assert served < 4_000


def test_a_compact_form_at_hand_is_cheap() -> None:
    talking = talk()
    (block,) = full_blocks(talking, 1, 40)
    for _ in range(4_000):
        (answer,) = messages(talking.say(ANN, GetCompactBlock(block.id)))
        assert isinstance(answer, CompactBlock)
