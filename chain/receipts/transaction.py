"""The receipt of a transaction: that it is in a final block, and what came of it.

Rules:
- The transaction and its result stand at the same place of two lists; one path of sides serves for
  both. *Why no index and no count:* the roots in a header commit to neither (the same path fits
  lists of different lengths), and a receipt says nothing that it does not prove.
- Place and size in the header history are the heights of the block and of the final header, and are
  not written again. *Why:* headers are signed, and a second copy could differ.
- The result names the transaction. *Why:* neither can be replaced by one from elsewhere.
- That the key was the sender's when the transaction was executed follows from its being in the
  block: authorities vote for no block with a transaction by a foreign key.
Spec: docs/spec/receipts.md, sections 3 and 4.
"""

from dataclasses import dataclass

from chain.block import HEADER_BYTES_MAX, Header, Receipt, decode_header, decode_receipt
from chain.consensus.authorityset import AuthoritySet
from chain.finalproof import check_chain
from chain.primitives import cbor, merkle, shape
from chain.primitives.cbor import Value
from chain.primitives.errors import Malformed
from chain.primitives.hashing import HASH_BYTES, Hash
from chain.primitives.keys import verify
from chain.primitives.merkle import PROOF_HASHES_MAX
from chain.receipts.finality import RECEIPT_LIMITS, Basis, FinalityProof
from chain.receipts.steps import Step, Unproven, proving
from chain.transactions.envelope import (
    TRANSACTION_BYTES_MAX,
    Transaction,
    decode_transaction,
)

FORMAT = "cornerstone-receipt/1"
RESULT_BYTES_MAX = 1 << 20  # what a node stores of one receipt at most


@dataclass(frozen=True, slots=True)
class TransactionReceipt:
    """A transaction, its result, and the way from both to a final header."""

    transaction: bytes
    result: bytes
    sides: int  # bit i: sibling i stands on the left, in both lists
    transaction_path: tuple[Hash, ...]
    result_path: tuple[Hash, ...]
    header: Header
    history_path: tuple[Hash, ...]  # empty when the block's header is the final one
    proof: FinalityProof

    def encode(self) -> bytes:
        """The bytes of the file."""
        return cbor.encode(
            [
                FORMAT,
                self.transaction,
                self.result,
                self.sides,
                list(self.transaction_path),
                list(self.result_path),
                self.header.raw,
                list(self.history_path),
                *self.proof.to_values(),
            ]
        )


@dataclass(frozen=True, slots=True)
class ProvenTransaction:
    """What a receipt has proved."""

    transaction: Transaction
    result: Receipt
    header: Header  # of its block
    final: Header
    authorities: AuthoritySet  # by which it is final
    signers: int


def decode_transaction_receipt(raw: bytes) -> TransactionReceipt:
    """Read a receipt; what it says is not verified. Raises Unproven."""
    with proving(Step.ENCODING):
        fields = shape.array(cbor.decode(raw, RECEIPT_LIMITS), 11, "receipt")
        check_format(fields[0], FORMAT)
        transaction_path = _path(fields[4], "transaction path")
        result_path = _path(fields[5], "result path")
        if len(transaction_path) != len(result_path):
            raise Malformed(
                "shape",
                f"paths of {len(transaction_path)} and {len(result_path)} hashes; the lists of "
                "transactions and results are equally long",
            )
        return TransactionReceipt(
            shape.blob_max(fields[1], TRANSACTION_BYTES_MAX, "transaction"),
            shape.blob_max(fields[2], RESULT_BYTES_MAX, "result"),
            shape.uint(fields[3], (1 << len(transaction_path)) - 1, "sides"),
            transaction_path,
            result_path,
            decode_header(shape.blob_max(fields[6], HEADER_BYTES_MAX, "header")),
            _path(fields[7], "history path"),
            FinalityProof.from_values(*fields[8:]),
        )


def verify_transaction_receipt(receipt: TransactionReceipt, basis: Basis) -> ProvenTransaction:
    """Verify every step. Raises Unproven with the first that fails."""
    chain = basis.genesis.hash
    with proving(Step.NETWORK):
        check_chain(receipt.header, chain)
    client = receipt.proof.verify(basis)
    _check_history(receipt)
    _check_path(Step.INCLUSION, receipt, receipt.transaction, receipt.transaction_path)
    _check_path(Step.RESULT, receipt, receipt.result, receipt.result_path)
    with proving(Step.SIGNATURE):
        transaction = decode_transaction(receipt.transaction, chain)
    with proving(Step.RESULT):
        result = decode_receipt(receipt.result)
    if result.txid != transaction.id:
        raise Unproven(
            Step.RESULT,
            f"the result is of transaction {result.txid.hex()}, this is {transaction.id.hex()}",
        )
    if not verify(*transaction.check):
        raise Unproven(
            Step.SIGNATURE,
            f"the signature of {transaction.id.hex()} is not by key {transaction.key.hex()}",
        )
    certificate = receipt.proof.final.certificate
    return ProvenTransaction(
        transaction,
        result,
        receipt.header,
        receipt.proof.header,
        client.authorities,
        len(certificate.signatures),
    )


def check_format(found: Value, expected: str) -> None:
    """Raise Malformed unless a receipt is of the format it is read as."""
    if found != expected:
        raise Malformed("receipt-format", f"expected {expected!r}, got {found!r}"[:200])


def _check_history(receipt: TransactionReceipt) -> None:
    header, final = receipt.header, receipt.proof.header
    if header.id == final.id and not receipt.history_path:
        return
    leaf, path = merkle.leaf_hash(header.raw), receipt.history_path
    if not merkle.verify_inclusion(leaf, header.height, final.height, path, final.history):
        raise Unproven(
            Step.HISTORY,
            f"the path of {len(path)} hashes does not lead from header {header.id.hex()} at "
            f"height {header.height} to history root {final.history.hex()} of {final.height} "
            "headers",
        )


def _check_path(
    step: Step, receipt: TransactionReceipt, leaf: bytes, path: tuple[Hash, ...]
) -> None:
    header = receipt.header
    expected = header.transactions if step is Step.INCLUSION else header.receipts
    found = merkle.root_along(merkle.leaf_hash(leaf), path, receipt.sides)
    if found != expected:
        raise Unproven(
            step,
            f"the path leads to root {found.hex()}, the header of block {header.height} has "
            f"{expected.hex()}",
        )


def _path(value: Value, what: str) -> tuple[Hash, ...]:
    return tuple(
        Hash(shape.blob(step, HASH_BYTES, what))
        for step in shape.items(value, PROOF_HASHES_MAX, what)
    )
