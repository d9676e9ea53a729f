"""Evidence judged from its bytes alone. Written from docs/spec/ledger.md, section 8."""

from hashlib import sha256

from chain.consensus.finality.evidence import Evidence, Offence
from chain.primitives import cbor
from chain.primitives.cbor import Value
from chain.primitives.keys import verify
from testnet.checkers.council import Failure

SEAL = b"cornerstone/seal/1"
VOTE = "cornerstone/vote/1"
CHAIN, SLOT, SET, AUTHOR = 1, 3, 10, 13
"""Places in a header's array."""


def epoch(evidence: Evidence) -> int:
    """The slot of the blocks, or the later target of the votes."""
    return max(_epochs(evidence))


def latest_set(evidence: Evidence) -> int:
    """The later of the sets named: one for two votes, perhaps two for two blocks."""
    a, b = _list(evidence.first), _list(evidence.second)
    if evidence.offence is Offence.VOTES:
        return max(_number(a[0]), _number(b[0]))
    return max(_number(_fields(a[0])[SET]), _number(_fields(b[0])[SET]))


def judge(evidence: Evidence, chain: bytes) -> None:
    """Raise Failure unless it proves an offence by its key."""
    if evidence.first >= evidence.second:
        raise Failure("evidence-order")
    for raw in (evidence.first, evidence.second):
        if evidence.offence is Offence.BLOCKS:
            _judge_block(evidence, raw, chain)
        else:
            set_id, source, target, signature = _list(raw)
            signed = cbor.encode([VOTE, chain, set_id, source, target])
            _signed(evidence.key, signed, signature)
    if not _excluded(evidence):
        raise Failure("evidence-harmless")


def _judge_block(evidence: Evidence, raw: bytes, chain: bytes) -> None:
    header, seal = _list(raw)
    fields = _fields(header)
    assert isinstance(header, bytes)
    if fields[CHAIN] != chain or fields[AUTHOR] != evidence.offender:
        raise Failure("evidence-block")
    _signed(evidence.key, SEAL + sha256(header).digest(), seal)


def _excluded(evidence: Evidence) -> bool:
    a, b = _list(evidence.first), _list(evidence.second)
    early, late = sorted(_epochs(evidence))
    if evidence.offence is Offence.BLOCKS:
        return early == late and a[0] != b[0]
    if a[0] != b[0] or a[1:3] == b[1:3]:
        return False
    inner, outer = (a, b) if _at(a[2]) < _at(b[2]) else (b, a)
    return early == late or _at(outer[1]) < _at(inner[1])


def _epochs(evidence: Evidence) -> tuple[int, int]:
    a, b = _list(evidence.first), _list(evidence.second)
    if evidence.offence is Offence.VOTES:
        return _at(a[2]), _at(b[2])
    return _number(_fields(a[0])[SLOT]), _number(_fields(b[0])[SLOT])


def _at(checkpoint: Value) -> int:
    assert isinstance(checkpoint, list)
    return _number(checkpoint[1])


def _number(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _fields(header: Value) -> list[Value]:
    assert isinstance(header, bytes)
    return _list(header)


def _list(raw: bytes) -> list[Value]:
    value = cbor.decode(raw)
    assert isinstance(value, list)
    return value


def _signed(key: bytes, message: bytes, signature: Value) -> None:
    if not (isinstance(signature, bytes) and verify(key, message, signature)):
        raise Failure("evidence-signature")
