"""A receipt as a COSE receipt (RFC 9942): the block's header is in the header history.

A COSE_Sign1 whose payload, detached, is an RFC 9162 root over header encodings; the inclusion proof
stands in the unprotected header, so that any tool that knows the RFC can recompute the root from
the header's bytes and check one signature.

- The signature is by whoever exports, with a key of purpose `assert`. *Why not by the authorities:*
  they sign votes for blocks, not roots, and a COSE receipt has one signature. So it says that this
  signer, who verified the finality of that history, vouches for it; who would rather trust the
  authorities verifies the receipt it was made from.
- Nothing is added to what is signed (external_aad is empty): other tools know of nothing.
Labels: receipts 394, vds 395, vdp 396, RFC9162_SHA256 is structure 1, inclusion proofs are -1.
Spec: docs/spec/receipts.md, section 7.
"""

from dataclasses import dataclass
from typing import TypeAlias

import cbor2

from chain.primitives import cose, merkle, shape
from chain.primitives.cbor import NO_TAGS, Value
from chain.primitives.errors import Invalid, Malformed
from chain.primitives.hashing import HASH_BYTES, Hash
from chain.primitives.keys import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, KeyPair, verify
from chain.primitives.merkle import PROOF_HASHES_MAX
from chain.receipts.transaction import TransactionReceipt

Open: TypeAlias = "int | bytes | str | list[Open] | dict[int, Open] | None"

TYPE = "application/cornerstone-history+cose"
ALG, KID, TYP, VDS, VDP = 1, 4, 16, 395, 396
RFC9162_SHA256 = 1
INCLUSION = -1
COSE_RECEIPT_BYTES_MAX = 4096  # 64 hashes and two headers take 2.5 KB
_TAG = b"\xd2"  # COSE_Sign1


@dataclass(frozen=True, slots=True)
class CoseReceipt:
    """That a leaf is number `index` of `size`, signed by a key."""

    kid: bytes
    size: int
    index: int
    path: tuple[Hash, ...]
    signature: bytes

    def encode(self) -> bytes:
        """Tag 18, [protected, {396: {-1: [proof]}}, null, signature]."""
        proof = _dumps([self.size, self.index, list(self.path)])
        unprotected: Open = {VDP: {INCLUSION: [proof]}}
        return _TAG + _dumps([protected(self.kid), unprotected, None, self.signature])

    def check(self, entry: bytes) -> None:
        """Raise Invalid unless the signer says that these bytes are in the tree."""
        root = root_of(entry, self.index, self.size, self.path)
        if not verify(self.kid, signed(self.kid, root), self.signature):
            raise Invalid(
                "cose-signature",
                f"key {self.kid.hex()} did not sign root {root.hex()}, to which the proof leads",
            )


def export(receipt: TransactionReceipt, key: KeyPair) -> CoseReceipt:
    """A verified receipt's history path, signed. Raises Invalid when it has none."""
    header, final = receipt.header, receipt.proof.header
    if not receipt.history_path:
        raise Invalid(
            "no-history-path",
            f"block {header.height} is itself the final one of this receipt, and in no history "
            "yet: make the receipt again when a later block is final",
        )
    root = root_of(header.raw, header.height, final.height, receipt.history_path)
    if root != final.history:
        raise Invalid(
            "history-path", f"the path leads to {root.hex()}, expected {final.history.hex()}"
        )
    signature = key.sign(signed(key.public, root))
    return CoseReceipt(key.public, final.height, header.height, receipt.history_path, signature)


def protected(kid: bytes) -> bytes:
    """The protected header."""
    return _dumps({ALG: cose.ALG_ED25519, KID: kid, TYP: TYPE, VDS: RFC9162_SHA256})


def signed(kid: bytes, root: bytes) -> bytes:
    """What is signed: a Sig_structure with the root as its payload."""
    return cose.signed_bytes(protected(kid), b"", root)


def root_of(entry: bytes, index: int, size: int, path: tuple[Hash, ...]) -> bytes:
    """The root to which the proof leads. Raises Invalid when its length is not that of the tree."""
    if not index < size:
        raise Invalid("cose-proof", f"leaf {index} of {size}")
    root = merkle.root_along(merkle.leaf_hash(entry), path, merkle.sides(index, size))
    if not merkle.verify_inclusion(merkle.leaf_hash(entry), index, size, path, root):
        raise Invalid("cose-proof", f"a path of {len(path)} hashes for leaf {index} of {size}")
    return root


def decode_cose_receipt(raw: bytes) -> CoseReceipt:
    """Read a COSE receipt of this profile. Raises Malformed; the signature is not judged."""
    if len(raw) > COSE_RECEIPT_BYTES_MAX:
        raise Malformed("cose-size", f"{len(raw)} bytes, at most {COSE_RECEIPT_BYTES_MAX} are read")
    if raw[:1] != _TAG:
        raise Malformed("cose-tag", f"starts with {raw[:1].hex() or 'nothing'}, not tag 18 (d2)")
    header, unprotected, _, signature = shape.array(_loads(raw[1:]), 4, "COSE receipt")
    kid = _at(_loads(shape.blob_max(header, 256, "protected header")), KID)
    proofs = shape.array(_at(_at(unprotected, VDP), INCLUSION), 1, "inclusion proofs")
    proof = _loads(shape.blob_max(proofs[0], COSE_RECEIPT_BYTES_MAX, "inclusion proof"))
    size, index, path = shape.array(proof, 3, "inclusion proof")
    receipt = CoseReceipt(
        shape.blob(kid, PUBLIC_KEY_BYTES, "key id"),
        shape.uint(size, shape.UINT63_MAX, "tree size"),
        shape.uint(index, shape.UINT63_MAX, "leaf index"),
        tuple(
            Hash(shape.blob(step, HASH_BYTES, "path"))
            for step in shape.items(path, PROOF_HASHES_MAX, "path")
        ),
        shape.blob(signature, SIGNATURE_BYTES, "signature"),
    )
    if receipt.encode() != raw:
        raise Malformed("cose-profile", f"not of the profile: expected {protected(receipt.kid)!r}")
    return receipt


def _at(value: Value, label: int) -> Value:
    if not isinstance(value, dict) or label not in value:
        raise Malformed("cose-receipt", f"no header parameter {label}")
    return value[label]


def _dumps(value: Open) -> bytes:
    """With negative labels, which the ledger's own encoding has no use for."""
    return cbor2.dumps(value, canonical=True)


def _loads(raw: bytes) -> Value:
    try:
        value: Value = cbor2.loads(
            raw, max_depth=6, allow_indefinite=False, semantic_decoders=NO_TAGS
        )
    except (cbor2.CBORDecodeError, ValueError) as error:
        raise Malformed("cose-cbor", str(error)) from None
    return value
