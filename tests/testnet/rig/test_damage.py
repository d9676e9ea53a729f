"""Damaged messages: each way is refused by the codec, for the reason it was made for."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.primitives.errors import Malformed
from p2p.wire.codec import decode_frame, encode_message
from p2p.wire.messages import Blocks, GetBlocks, Goodbye, Ping
from testnet.faults.gossip import Corrupt
from testnet.rig.behaviours import behaviour_of
from testnet.rig.damage import DAMAGES, bit_flip
from tests.testnet.rig.fake_host import ANN, FakeHost

CODES = {
    "truncate": {"cbor-truncated"},
    "non-canonical": {"cbor-non-canonical"},
    "deep-nesting": {"cbor-too-deep"},
    "wrong-length": {"cbor-truncated", "shape"},
}


@pytest.mark.parametrize("how", CODES)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 3000))
def test_damage_is_refused_for_its_reason(how: str, seed: int, size: int) -> None:
    data = encode_message(Blocks(size, (bytes(size),)))
    with pytest.raises(Malformed) as refused:
        decode_frame(DAMAGES[how](data, random.Random(seed)))
    assert refused.value.code in CODES[how]


@given(seed=st.integers(0, 2**32))
def test_one_bit_is_the_other(seed: int) -> None:
    data = encode_message(Ping(123_456_789))
    flipped = bit_flip(data, random.Random(seed))
    difference = int.from_bytes(data) ^ int.from_bytes(flipped)
    assert len(flipped) == len(data)
    assert difference.bit_count() == 1


def test_only_what_is_aimed_at_is_damaged() -> None:
    corrupt = behaviour_of(Corrupt(how="truncate", messages=("ping",), probability=1))
    corrupt.begin(FakeHost())
    passed = corrupt.outgoing(ANN, [Ping(1), GetBlocks(1, ()), Goodbye("bye", "over")])
    assert passed[1:] == [GetBlocks(1, ()), Goodbye("bye", "over")]
    assert isinstance(passed[0], bytes)
    assert corrupt.hits == 1
    assert corrupt.incoming(ANN, [Ping(1)]) == [Ping(1)]
