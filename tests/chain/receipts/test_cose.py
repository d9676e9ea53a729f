"""COSE receipts (RFC 9942), read here by hand as another tool would."""

from dataclasses import replace

import cbor2
import pytest
from nacl.signing import VerifyKey

from chain.primitives import merkle
from chain.primitives.errors import Invalid, Malformed, Refusal
from chain.primitives.hashing import sha256
from chain.primitives.keys import KeyPair
from chain.receipts.cose import CoseReceipt, decode_cose_receipt, export
from tests.chain.receipts.world import Paying, settled

SIGNER = KeyPair.from_seed(b"a" * 32)


def exported() -> tuple[bytes, CoseReceipt]:
    """A header's bytes and the COSE receipt of it."""
    chain = settled()
    receipt = chain.receipt(chain.paid[0])
    return receipt.header.raw, export(receipt, SIGNER)


def test_another_tool_reads_it_by_the_rfc_alone() -> None:
    entry, receipt = exported()
    tag = cbor2.loads(receipt.encode())
    assert tag.tag == 18
    protected, unprotected, payload, signature = tag.value
    header = cbor2.loads(protected)
    assert (header[1], header[395], payload) == (-19, 1, None)
    ((raw,),) = unprotected[396].values()
    assert list(unprotected[396]) == [-1]
    size, index, path = cbor2.loads(raw)
    node, leaves = sha256(b"\x00" + entry), 1
    assert (size, index) == (3, 2)  # the last of three leaves: one perfect tree to its left
    for step in path:
        node = sha256(b"\x01" + step + node)
        leaves += 2
    assert leaves == size
    assert node == settled().receipt(settled().paid[0]).proof.header.history
    message = cbor2.dumps(["Signature1", protected, b"", node], canonical=True)
    VerifyKey(header[4]).verify(message, signature)


def test_it_comes_back_and_every_byte_of_it_counts() -> None:
    entry, receipt = exported()
    raw = receipt.encode()
    again = decode_cose_receipt(raw)
    assert again == receipt
    again.check(entry)
    for place in range(len(raw)):
        for flip in (0x01, 0x80):
            changed = bytearray(raw)
            changed[place] ^= flip
            with pytest.raises(Refusal):
                decode_cose_receipt(bytes(changed)).check(entry)


def test_lies_are_refused() -> None:
    entry, receipt = exported()
    with pytest.raises(Invalid, match="cose-signature"):
        receipt.check(entry + b"\x00")
    with pytest.raises(Invalid, match="leaf 3 of 3"):
        replace(receipt, index=3).check(entry)
    with pytest.raises(Invalid, match="a path of 0 hashes"):
        replace(receipt, path=()).check(entry)
    with pytest.raises(Malformed, match="cose-size"):
        decode_cose_receipt(bytes(5000))
    for raw in (b"", b"\xd2", b"\xd2\x80", receipt.encode() + b"\x00"):
        with pytest.raises(Malformed):
            decode_cose_receipt(raw)
    chain = settled()
    broken = replace(chain.receipt(chain.paid[0]), history_path=(merkle.EMPTY_ROOT,))
    with pytest.raises(Invalid, match="history-path"):
        export(broken, SIGNER)


def test_a_block_that_is_itself_final_is_in_no_history_yet() -> None:
    chain = Paying(4)
    chain.payment()
    with pytest.raises(Invalid, match="no-history-path"):
        export(chain.receipt_when_final(), SIGNER)
