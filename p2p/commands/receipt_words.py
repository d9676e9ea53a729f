"""Receipts as the commands print them: what one proves, and what one says before it is verified."""

from collections.abc import Iterator

from rich.text import Text

from chain.block import Header
from chain.genesis import Genesis
from chain.primitives.hashing import sha256
from chain.receipts.finality import FinalityProof
from chain.receipts.reading import AnyReceipt
from chain.receipts.transaction import ProvenTransaction, TransactionReceipt
from chain.state.paths import format_path
from p2p.api.json_codec import Json
from p2p.api.present import body_view
from p2p.commands.look import columns, result_text, time_text
from p2p.proving import Proven

Pairs = dict[str, str | Text]


def proven_value(genesis: Genesis, proven: Proven) -> dict[str, object]:
    """What a receipt proves, for scripts."""
    common: dict[str, object] = {
        "final": header_value(proven.final),
        "authorities": {
            "set_id": proven.authorities.id,
            "members": len(proven.authorities.members),
            "signers": proven.signers,
        },
    }
    if isinstance(proven, ProvenTransaction):
        tx = proven.transaction
        return {
            "kind": "transaction",
            "transaction": tx.id.hex(),
            "sender": genesis.did(tx.sender),
            "transaction_kind": tx.kind,
            "body": body_view(tx.body, genesis),
            "ok": proven.result.ok,
            "code": proven.result.code,
            "block": header_value(proven.header),
            **common,
        }
    return {
        "kind": "state",
        "path": format_path(proven.key, genesis.network),
        "value": None if proven.value is None else proven.value.hex(),
        **common,
    }


def header_value(header: Header) -> dict[str, Json]:
    """A header, for scripts."""
    return {"height": header.height, "slot": header.slot, "id": header.id.hex()}


def proven_lines(genesis: Genesis, proven: Proven) -> Iterator[Text]:
    """What a receipt proves, for people."""
    pairs: Pairs = {}
    if isinstance(proven, ProvenTransaction):
        tx, result, header = proven.transaction, proven.result, proven.header
        pairs["transaction"] = tx.id.hex()
        pairs["sender"] = named(genesis, tx.sender)
        pairs["kind"] = tx.kind
        body = body_view(tx.body, genesis)
        for name in body.__dataclass_fields__:
            pairs[name.replace("_", " ")] = str(getattr(body, name))
        pairs["result"] = result_text(result.ok, result.code)
        pairs["block"] = f"{header.height}, {moment(genesis, header)}, {header.id.hex()}"
    else:
        value = proven.value
        pairs["path"] = format_path(proven.key, genesis.network)
        pairs["value"] = "none: proven absent" if value is None else value.hex()
    final, members = proven.final, len(proven.authorities.members)
    pairs["final by"] = (
        f"{proven.signers} of {members} authorities of set {proven.authorities.id}, "
        f"block {final.height}, {moment(genesis, final)}"
    )
    yield from columns(pairs)


def content_value(receipt: AnyReceipt) -> dict[str, object]:
    """What a receipt says, for scripts."""
    if isinstance(receipt, TransactionReceipt):
        return {
            "kind": "transaction",
            "transaction_bytes": len(receipt.transaction),
            "block": header_value(receipt.header),
            "history_path": len(receipt.history_path),
            "transaction_path": len(receipt.transaction_path),
            **proof_value(receipt.proof),
        }
    return {
        "kind": "state",
        "key": receipt.key.hex(),
        "value": None if receipt.value is None else receipt.value.hex(),
        "siblings": len(receipt.path.siblings),
        **proof_value(receipt.proof),
    }


def proof_value(proof: FinalityProof) -> dict[str, object]:
    """A finality proof, for scripts."""
    certificate = proof.final.certificate
    return {
        "chain": proof.header.chain.hex(),
        "final": header_value(proof.header),
        "set_id": certificate.vote.set_id,
        "signers": certificate.signers,
        "handovers": [
            {"set_id": each.next_set.id, "height": each.final.header.height}
            for each in proof.handovers
        ],
    }


def content_lines(receipt: AnyReceipt) -> Iterator[Text]:
    """What a receipt says, for people."""
    proof = receipt.proof
    pairs: Pairs = {"chain": proof.header.chain.hex()}
    if isinstance(receipt, TransactionReceipt):
        pairs["transaction"] = (
            f"{len(receipt.transaction)} bytes, sha256 {sha256(receipt.transaction).hex()}"
        )
        pairs["block"] = f"{receipt.header.height}, {receipt.header.id.hex()}"
    else:
        pairs["key"] = receipt.key.hex()
        pairs["value"] = "none" if receipt.value is None else receipt.value.hex()
    certificate = proof.final.certificate
    pairs["final block"] = f"{proof.header.height}, {proof.header.id.hex()}"
    pairs["signed by"] = f"{len(certificate.signatures)} of set {certificate.vote.set_id}"
    for each in proof.handovers:
        pairs[f"set {each.next_set.id}"] = (
            f"{len(each.next_set.members)} authorities, decided in block {each.final.header.height}"
        )
    yield from columns(pairs)


def named(genesis: Genesis, identity: bytes) -> str:
    """A DID, with its name in the genesis if it has one."""
    did = genesis.did(identity)
    names = (known.name for known in genesis.identities if known.id == identity)
    return " ".join((*names, did))


def moment(genesis: Genesis, header: Header) -> str:
    """When a header's slot began."""
    return f"{time_text(genesis.slot_start_ms(header.slot))} UTC"
