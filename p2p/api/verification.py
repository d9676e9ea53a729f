"""Checks what a node says about the state, with the genesis to go by, and perhaps a checkpoint.

- The header hashes to the block id the node named, and belongs to this chain. *Why:* everything
  else in the proof hangs on it.
- An authority whose slot it was has sealed it, of a set that follows by handovers from the
  genesis or the checkpoint.
  *Why:* without a seal, anyone can make a header with any state root. Under proof of work the
  header's work is not judged here (that needs its ancestors): compare it with another node's.
- The key is the one that was asked for. *Why:* a true proof of something else proves nothing.
"""

from collections.abc import Sequence

from chain.block import Header, decode_header
from chain.consensus.authority import AuthorityEngine
from chain.consensus.authorityset import AuthoritySet
from chain.finalproof import Handover
from chain.parameters import Consensus
from chain.primitives.errors import Invalid, Refusal
from chain.primitives.hashing import HASH_BYTES, Hash
from chain.receipts.finality import Basis
from chain.state.paths import parse_path
from chain.state.smt import StateProof, verify_state_proof
from p2p.api.views import ProofView


class Unproven(Refusal):
    """What a node said does not follow from what it showed; the reason says where."""

    def __init__(self, reason: str) -> None:
        super().__init__("unproven", reason)


def verified_value(
    view: ProofView, path: str, basis: Basis, handovers: Sequence[Handover] = ()
) -> bytes | None:
    """The value at a state path (None: proven absent). Raises Unproven or Malformed.

    `handovers` lead from the basis to the set that the header names; see `set_named`.
    """
    key = parse_path(path, basis.genesis.network)
    if view.key != key.hex():
        raise Unproven(f"asked for {path}, the proof is for key {view.key}")
    header = verified_header(view, basis, handovers)
    value = None if view.value is None else _hex(view.value, "value")
    if not verify_state_proof(header.state, key, value, _proof(view)):
        raise Unproven(
            f"the proof for {path} does not lead to state root {header.state.hex()} "
            f"of block {header.height}"
        )
    return value


def set_named(view: ProofView) -> int:
    """The number of the set that a proof's header names. Raises Unproven or Malformed."""
    return decode_header(_hex(view.header, "header")).set_id


def verified_header(view: ProofView, basis: Basis, handovers: Sequence[Handover] = ()) -> Header:
    """The header a proof refers to, of this chain and sealed. Raises Unproven or Malformed."""
    genesis = basis.genesis
    header = decode_header(_hex(view.header, "header"))
    if header.id.hex() != view.block:
        raise Unproven(f"the header hashes to {header.id.hex()}, the node calls it {view.block}")
    if header.height == 0:
        raise Unproven("the node has no block after genesis yet, so nothing is sealed; try later")
    if header.chain != genesis.hash:
        raise Unproven(
            f"the header is of chain {header.chain.hex()}, the genesis is {genesis.hash.hex()}"
        )
    if genesis.consensus is Consensus.AUTHORITY:
        _check_seal(header, _hex(view.seal, "seal"), _authorities(header, basis, handovers))
    return header


def _authorities(header: Header, basis: Basis, handovers: Sequence[Handover]) -> AuthoritySet:
    try:
        client = basis.client()
    except Invalid as refusal:
        raise Unproven(f"checkpoint: {refusal}") from None
    try:
        for handover in handovers:
            client.hand_over(handover)
    except Invalid as refusal:
        raise Unproven(f"handover after set {client.authorities.id}: {refusal}") from None
    if client.authorities.hash != header.set_hash:
        raise Unproven(
            f"block {header.height} is of authority set {header.set_id} "
            f"({header.set_hash.hex()}), {len(handovers)} handovers lead from set {basis.begun} to "
            f"{client.authorities.hash.hex()}"
        )
    return client.authorities


def _check_seal(header: Header, seal: bytes, authorities: AuthoritySet) -> None:
    try:
        AuthorityEngine().check(header, seal, 0, authorities)
    except Invalid as refusal:
        raise Unproven(str(refusal)) from None


def _proof(view: ProofView) -> StateProof:
    siblings = tuple(_hash(sibling, "sibling") for sibling in view.siblings)
    if view.leaf_key is None or view.leaf_value is None:
        return StateProof(siblings, None)
    return StateProof(siblings, (_hash(view.leaf_key, "leaf"), _hash(view.leaf_value, "leaf")))


def _hash(text: str, what: str) -> Hash:
    value = _hex(text, what)
    if len(value) != HASH_BYTES:
        raise Unproven(f"{what} of {len(value)} bytes, expected {HASH_BYTES}")
    return Hash(value)


def _hex(text: str, what: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Unproven(f"{what} {text[:80]!r} is not hexadecimal") from None
