"""The values of the node and the ledger as the API shows them."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace

from chain.block import Block, decode_receipt
from chain.genesis import Genesis
from chain.ledger import Ledger
from chain.primitives import cose
from chain.primitives.did import parse_did
from chain.primitives.hashing import ZERO_HASH, Hash, sha256
from chain.queries import Account, TransactionLocation
from chain.state import paths
from chain.transactions.body import Body
from chain.transactions.dataset import Dataset, Parent, Publish
from chain.transactions.document import DidDocument
from chain.transactions.envelope import LANE_MAX, TRANSACTION_TYPE, Transaction
from chain.transactions.governance_evidence import SubmitEvidence
from chain.transactions.governance_propose import Propose
from chain.transactions.governance_vote import CastVote
from chain.transactions.identity import RecordedKey, Register, Standing, standing_of
from chain.transactions.payment import Transfer
from p2p.api.governance_present import evidence_body, propose_body, vote_body
from p2p.api.limits import RESULTS_STEP
from p2p.api.problems import Problem
from p2p.api.views import (
    AccountView,
    BalanceView,
    BlockSummary,
    BlockView,
    BodyView,
    DatasetView,
    Included,
    KeyView,
    ParentView,
    ProofView,
    PublishBody,
    RegisterBody,
    RegisteredKeyView,
    SequenceView,
    TransactionView,
    TransferBody,
)

SUMMARIES_CACHED_MAX = 1_024
"""Summaries of blocks that watchers poll, 500 bytes each; a block never changes."""


class Presenter:
    """Shows one ledger. Reads only; each call takes at most some milliseconds (see limits)."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._genesis = ledger.genesis
        self._names = {identity.id: identity.name for identity in ledger.genesis.identities}
        self._summaries: OrderedDict[Hash, BlockSummary] = OrderedDict()

    def summary(self, block: Block) -> BlockSummary:
        """A block in a list."""
        header = block.header
        return BlockSummary(
            id=header.id.hex(),
            height=header.height,
            slot=header.slot,
            time_ms=self._genesis.slot_start_ms(header.slot),
            parent=header.parent.hex(),
            author=self._author(header.author),
            author_name=self._names.get(header.author, ""),
            state_root=header.state.hex(),
            transaction_count=len(block.transactions),
            size=_size(block),
        )

    def summary_of(self, block_id: Hash) -> BlockSummary:
        """A block that is in the store, in a list."""
        known = self._summaries.get(block_id)
        if known is None:
            block = self._ledger.block(block_id)
            assert block is not None, "a block of the chain is in the store"
            known = self._summaries[block_id] = self.summary(block)
            if len(self._summaries) > SUMMARIES_CACHED_MAX:
                self._summaries.popitem(last=False)
        return known

    def block(self, block: Block) -> BlockView:
        """A block, without its transactions; `results` has them."""
        header = block.header
        canonical = self._ledger.canonical(header.id)
        return BlockView(
            id=header.id.hex(),
            height=header.height,
            slot=header.slot,
            time_ms=self._genesis.slot_start_ms(header.slot),
            parent=header.parent.hex(),
            author=self._author(header.author),
            author_name=self._names.get(header.author, ""),
            state_root=header.state.hex(),
            transactions_root=header.transactions.hex(),
            receipts_root=header.receipts.hex(),
            history_root=header.history.hex(),
            seal=block.seal.hex(),
            size=_size(block),
            canonical=canonical,
            finalized=canonical and header.height <= self._final_height(),
            transaction_count=len(block.transactions),
            transactions=(),
        )

    def results(self, block: Block) -> Iterator[list[Included]]:
        """A block's transactions and what came of them, RESULTS_STEP at a time, as it is now."""
        if self._ledger.canonical(block.id):
            encoded, read = self._ledger.encoded_receipts(block.id), _result
        else:
            encoded, read = list(block.transactions), self._unjudged
        return (
            [read(raw) for raw in encoded[at : at + RESULTS_STEP]]
            for at in range(0, len(encoded), RESULTS_STEP)
        )

    def _unjudged(self, raw: bytes) -> Included:
        return Included(transaction_id(raw, self._ledger.chain).hex(), None, "")

    def transaction(self, tx: Transaction, place: TransactionLocation | None) -> TransactionView:
        """A transaction: in a block when it has a place, else waiting."""
        view = TransactionView(
            id=tx.id.hex(),
            status="pending",
            kind=tx.kind,
            sender=self._genesis.did(tx.sender),
            key=tx.key.hex(),
            lane=tx.lane,
            sequence=tx.sequence,
            expiry=tx.expiry,
            size=len(tx.raw),
            body=body_view(tx.body, self._genesis),
            raw=tx.raw.hex(),
        )
        return view if place is None else self._placed(view, place)

    def _placed(self, view: TransactionView, place: TransactionLocation) -> TransactionView:
        node = self._ledger.node(place.block_id)
        assert node is not None, "a transaction's block is in the tree"
        return replace(
            view,
            status="included",
            block=place.block_id.hex(),
            height=place.height,
            index=place.index,
            slot=node.slot,
            time_ms=self._genesis.slot_start_ms(node.slot),
            ok=place.receipt.ok,
            code=place.receipt.code,
            finalized=place.height <= self._final_height(),
        )

    def _final_height(self) -> int:
        node = self._ledger.node(self._ledger.finality.finalized.block)
        return 0 if node is None else node.height

    def account(self, identity: bytes, account: Account | None) -> AccountView:
        """An account; one that is not registered has no keys and holds nothing."""
        record = None if account is None else account.record
        return AccountView(
            did=self._genesis.did(identity),
            name=self._names.get(identity),
            registered=record is not None,
            version=0 if record is None else record.version,
            roles=() if record is None else record.roles,
            standing=self._standing(identity, account),
            threshold=0 if record is None else record.threshold,
            controller=None if record is None else self._controller(record.controller),
            balances=self._balances(account),
            sequences=self._sequences(identity, account),
            keys=() if record is None else tuple(_key_view(key) for key in record.keys),
        )

    def _balances(self, account: Account | None) -> tuple[BalanceView, ...]:
        if account is None:
            return ()
        return tuple(
            BalanceView(currency.code, account.balances[currency.code], currency.decimals)
            for currency in self._genesis.currencies
        )

    def _sequences(self, identity: bytes, account: Account | None) -> tuple[SequenceView, ...]:
        """Every lane that was used or has something waiting, and lane 0 always."""
        used = {} if account is None else account.sequences
        found: list[SequenceView] = []
        for lane in range(LANE_MAX + 1):
            expected = used.get(lane, 0)
            free = self._ledger.mempool.next_free(identity, lane, expected)
            if lane == 0 or free:
                found.append(SequenceView(lane, expected, free))
        return tuple(found)

    def _standing(self, identity: bytes, account: Account | None) -> str:
        standing = Standing.ACTIVE if account is None else standing_of(self._ledger.state, identity)
        return standing.name.lower()

    def _controller(self, controller: bytes | None) -> str | None:
        return None if controller is None else self._genesis.did(controller)

    def dataset(self, dataset_id: Hash, dataset: Dataset) -> DatasetView:
        """A published dataset; its id is that of its transaction."""
        published = dataset.published
        place = self._ledger.transaction(dataset_id)
        return DatasetView(
            id=dataset_id.hex(),
            owner=self._genesis.did(dataset.owner),
            title=published.title,
            commitment=published.commitment.hex(),
            ciphertext_hash=published.ciphertext_hash.hex(),
            media_type=published.media_type,
            size=published.size,
            sector=published.sector,
            parents=_parents(published.parents),
            slot=dataset.slot,
            time_ms=self._genesis.slot_start_ms(dataset.slot),
            transaction=dataset_id.hex(),
            block=None if place is None else place.block_id.hex(),
            height=None if place is None else place.height,
        )

    def proof(self, key: bytes) -> ProofView:
        """A state value, or its absence, with its proof at the head."""
        proof, header = self._ledger.prove(key)
        value = self._ledger.value(key)
        leaf = proof.leaf
        return ProofView(
            path=paths.format_path(key, self._genesis.network),
            key=key.hex(),
            value=None if value is None else value.hex(),
            siblings=tuple(sibling.hex() for sibling in proof.siblings),
            leaf_key=None if leaf is None else leaf[0].hex(),
            leaf_value=None if leaf is None else leaf[1].hex(),
            state_root=header.state.hex(),
            block=header.id.hex(),
            height=header.height,
            slot=header.slot,
            header=header.raw.hex(),
            seal=self._ledger.head.seal.hex(),
        )

    def _author(self, author: bytes) -> str:
        """The author's DID; empty for genesis, which nobody made."""
        return "" if author == ZERO_HASH else self._genesis.did(author)

    def identity(self, reference: str) -> bytes:
        """The 32-byte id of a DID or of a name in the genesis. Raises Problem or Malformed."""
        if reference.startswith("did:"):
            return parse_did(reference, self._genesis.network)
        for identity in self._genesis.identities:
            if identity.name == reference:
                return identity.id
        raise Problem(
            404,
            "unknown-account",
            f"{reference[:80]!r} is neither a DID of {self._genesis.network!r} nor a name in its "
            "genesis",
        )


def _result(raw: bytes) -> Included:
    receipt = decode_receipt(raw)
    return Included(receipt.txid.hex(), receipt.ok, receipt.code)


def body_view(body: Body, genesis: Genesis) -> BodyView:
    """What is particular to a transaction's kind."""
    match body:
        case Transfer():
            return TransferBody(body.code, genesis.did(body.to), body.amount, body.reference.hex())
        case Publish():
            return PublishBody(
                body.title,
                body.commitment.hex(),
                body.ciphertext_hash.hex(),
                body.media_type,
                body.size,
                body.sector,
                _parents(body.parents),
            )
        case Register():
            return _register_body(body.document, genesis)
        case Propose():
            return propose_body(body, genesis)
        case CastVote():
            return vote_body(body)
        case SubmitEvidence():
            return evidence_body(body, genesis)
    raise AssertionError(f"no view for {body.KIND}")


def _register_body(document: DidDocument, genesis: Genesis) -> RegisterBody:
    controller = document.controller
    return RegisterBody(
        genesis.did(document.id),
        document.threshold,
        None if controller is None else genesis.did(controller),
        tuple(
            RegisteredKeyView(key.id, key.purpose.value, key.public.hex()) for key in document.keys
        ),
    )


def transaction_id(raw: bytes, chain: Hash) -> Hash:
    """The id of an encoded transaction, without decoding its payload."""
    sign1 = cose.parse(raw, TRANSACTION_TYPE)
    return sha256(cose.signed_bytes(sign1.protected, chain, sign1.payload))


def _parents(parents: tuple[Parent, ...]) -> tuple[ParentView, ...]:
    return tuple(ParentView(parent.dataset.hex(), parent.relation) for parent in parents)


def _key_view(kept: RecordedKey) -> KeyView:
    key = kept.key
    return KeyView(key.id, key.purpose.value, key.public.hex(), kept.since, kept.until)


def _size(block: Block) -> int:
    return len(block.header.raw) + len(block.seal) + sum(map(len, block.transactions))
