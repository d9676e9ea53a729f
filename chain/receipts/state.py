"""The receipt of a state key: its value, or that it has none, in the state after a final block.

The state root in a final header commits to every key there is and to the absence of all others.
Spec: docs/spec/receipts.md, section 5.
"""

from dataclasses import dataclass

from chain.block import Header
from chain.consensus.authorityset import AuthoritySet
from chain.primitives import cbor, shape
from chain.primitives.cbor import Value
from chain.primitives.hashing import HASH_BYTES, Hash
from chain.receipts.finality import RECEIPT_LIMITS, Basis, FinalityProof
from chain.receipts.steps import Step, Unproven, proving
from chain.receipts.transaction import check_format
from chain.state.paths import PATH_BYTES_MAX
from chain.state.smt import KEY_BITS, StateProof, verify_state_proof

FORMAT = "cornerstone-state-receipt/1"
VALUE_BYTES_MAX = 1 << 20  # the largest value, a set of 200 authorities, takes 60 KB


@dataclass(frozen=True, slots=True)
class StateReceipt:
    """A key, its value or None, and the way from it to a final header's state root."""

    key: bytes
    value: bytes | None
    path: StateProof
    proof: FinalityProof

    def encode(self) -> bytes:
        """The bytes of the file."""
        leaf = self.path.leaf
        return cbor.encode(
            [
                FORMAT,
                self.key,
                self.value,
                list(self.path.siblings),
                [] if leaf is None else list(leaf),
                *self.proof.to_values(),
            ]
        )


@dataclass(frozen=True, slots=True)
class ProvenState:
    """What a state receipt has proved: the value is None when the key is absent."""

    key: bytes
    value: bytes | None
    final: Header
    authorities: AuthoritySet
    signers: int


def decode_state_receipt(raw: bytes) -> StateReceipt:
    """Read a state receipt; what it says is not verified. Raises Unproven."""
    with proving(Step.ENCODING):
        fields = shape.array(cbor.decode(raw, RECEIPT_LIMITS), 8, "state receipt")
        check_format(fields[0], FORMAT)
        value = fields[2]
        return StateReceipt(
            shape.blob_max(fields[1], PATH_BYTES_MAX, "key"),
            None if value is None else shape.blob_max(value, VALUE_BYTES_MAX, "value"),
            StateProof(
                tuple(
                    Hash(shape.blob(sibling, HASH_BYTES, "sibling"))
                    for sibling in shape.items(fields[3], KEY_BITS, "siblings")
                ),
                _leaf(fields[4]),
            ),
            FinalityProof.from_values(*fields[5:]),
        )


def verify_state_receipt(
    receipt: StateReceipt, basis: Basis, asked: bytes | None = None
) -> ProvenState:
    """Verify every step. Raises Unproven with the first that fails.

    `asked` is the key it is to be about, if the caller has one in mind. *Why:* where one key is
    absent its neighbours often are too, by the same path, and a receipt with another key in it is
    as true as the first.
    """
    if asked is not None and receipt.key != asked:
        raise Unproven(
            Step.STATE, f"asked for key {asked.hex()}, the receipt is of {receipt.key.hex()}"
        )
    client = receipt.proof.verify(basis)
    root = receipt.proof.header.state
    if not verify_state_proof(root, receipt.key, receipt.value, receipt.path):
        said = "is absent" if receipt.value is None else f"is {receipt.value.hex()[:128]}"
        raise Unproven(
            Step.STATE,
            f"the path does not show that key {receipt.key.hex()} {said} under state root "
            f"{root.hex()} of block {receipt.proof.header.height}",
        )
    return ProvenState(
        receipt.key,
        receipt.value,
        receipt.proof.header,
        client.authorities,
        len(receipt.proof.final.certificate.signatures),
    )


def _leaf(value: Value) -> tuple[bytes, bytes] | None:
    if value == []:
        return None
    key, content = shape.array(value, 2, "leaf")
    return shape.blob(key, HASH_BYTES, "leaf key"), shape.blob(content, HASH_BYTES, "leaf value")
