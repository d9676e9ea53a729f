"""InvalidBlocks: sealed blocks that break exactly one rule, in place of the honest ones.

`breach` makes such a block from an honest one; what an honest node says to each is in tests.
"""

import random
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle

from chain.block import Block, Header, list_root
from chain.consensus.engine import HeaderNode
from chain.ledger import Ledger
from chain.primitives.hashing import HASH_BYTES, Hash
from chain.transactions.envelope import decode_transaction
from testnet.faults.byzantine import INVALID, InvalidBlocks
from testnet.rig.behaviour import Host
from testnet.rig.byzantine_blocks import Producer, Shown
from testnet.rig.strays import bulky, forged, newcomer

FAR_SLOTS = 5_000
"""How far ahead a block of the future is: more than any run lasts."""

LOOK_BACK_BLOCKS = 200
"""How far back a transaction is looked for that can be included a second time."""

NO_ENVELOPE = b"\xff"
GARBAGE_BYTES = 200
GAP = 7

ONLY_AUTHORITY = ("author",)
"""Rules that proof of work does not have: there, an author is whoever names itself."""

CARRIED_OUT = ("bad-signature", "expired-transaction", "sequence-gap", "replayed-transaction")
"""Rules whose transactions can be applied all the same. *Why they are:* a block whose state were
wrong as well would be refused for that, and a node that forgets the rule would not be found out."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A block that breaks a rule and lacks its seal."""

    header: Header
    raws: tuple[bytes, ...]


class Invalidating(Producer):
    """Hides the node's blocks from its peers and shows them invalid ones.

    The first rule of several is drawn. *Why:* most breaches end in a ban, so one producer gets to
    break few; over seeds and producers each is broken first.
    """

    def __init__(self, kind: InvalidBlocks, to: frozenset[str]) -> None:
        super().__init__(to)
        self._rules = INVALID if kind.rule == "each" else (kind.rule,)

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        super().begin(host)
        exclusive = host.ledger.engine.exclusive
        rules = [rule for rule in self._rules if exclusive or rule not in ONLY_AUTHORITY]
        first = host.rng.randrange(len(rules)) if rules else 0
        self._turns = cycle(rules[first:] + rules[:first]) if rules else None

    def made(self, header: Header, announcement: Shown) -> None:
        """See Producer."""
        block = self.host.ledger.block(header.id)
        if self._turns is None or self.anvil is None or block is None:
            return
        rule = next(self._turns)
        self.hide(header.id)
        if rule == "seal":
            self.show(unsealed(block))
            return
        broken = breach(rule, block, self.host.ledger, self.host.rng)
        if rule in CARRIED_OUT and self.scratch.follow(header.height - 1):
            broken = replace(broken, header=self._carried_out(broken))
        node = self.host.ledger.node(header.id)
        target = 0 if node is None else node.target
        show = partial(self.show_with, block.certificates)
        self.anvil.put(broken.header, target, broken.raws, show, self.host.now())

    def _carried_out(self, broken: Breach) -> Header:
        """The block's header with the state and the receipts that its transactions lead to."""
        chain = self.host.ledger.chain
        transactions = [decode_transaction(raw, chain) for raw in broken.raws]
        return self.scratch.carried_out(broken.header, transactions)


def unsealed(block: Block) -> Block:
    """The block under a seal that is none."""
    return replace(block, seal=bytes(byte ^ 0xFF for byte in block.seal))


def breach(rule: str, block: Block, ledger: Ledger, rng: random.Random) -> Breach:
    """An honest block of the ledger's chain that breaks one rule now (any but the seal's)."""
    header = block.header
    stray = Hash(rng.randbytes(HASH_BYTES))
    match rule:
        case "state-root":
            return Breach(replace(header, state=stray), block.transactions)
        case "transactions-root":
            return Breach(replace(header, transactions=stray), block.transactions)
        case "receipts-root":
            return Breach(replace(header, receipts=stray), block.transactions)
        case "history":
            return Breach(replace(header, history=stray), block.transactions)
        case "height":
            return Breach(replace(header, height=header.height + 1), block.transactions)
        case "parent":
            return Breach(replace(header, parent=stray), block.transactions)
        case "chain":
            return Breach(replace(header, chain=stray), block.transactions)
        case "author":
            return Breach(_out_of_turn(ledger, header, stray), block.transactions)
        case "slot-past":
            return Breach(replace(header, slot=_parent(ledger, header).slot), block.transactions)
        case "slot-future":
            return Breach(_emptied(ledger, replace(header, slot=_far(ledger, header))), ())
        case _:
            return _body(rule, block, ledger, rng)


def _body(rule: str, block: Block, ledger: Ledger, rng: random.Random) -> Breach:
    """A block with transactions that may not be in it, which its header commits to."""
    wrong = wrong_transactions(rule, block, ledger, rng)
    raws = wrong if rule == "oversized" else (*block.transactions, *wrong)
    return Breach(replace(block.header, transactions=list_root(raws)), raws)


def wrong_transactions(
    rule: str, block: Block, ledger: Ledger, rng: random.Random
) -> tuple[bytes, ...]:
    """What is added to a block's transactions to break a rule."""
    slot = block.header.slot
    limits = ledger.parameters
    expiry = slot + min(limits.expiry_slots_max, FAR_SLOTS)
    match rule:
        case "bad-signature":
            return (forged(newcomer(rng, ledger.chain, expiry), rng),)
        case "expired-transaction":
            return (newcomer(rng, ledger.chain, slot - 1).raw,)
        case "sequence-gap":
            return (newcomer(rng, ledger.chain, expiry, sequence=GAP).raw,)
        case "replayed-transaction":
            again = _included(ledger, block.header.height, slot)
            twice = newcomer(rng, ledger.chain, expiry).raw
            return (twice, twice) if again is None else (again,)
        case "garbage-transaction":
            return (NO_ENVELOPE + rng.randbytes(GARBAGE_BYTES),)
        case "oversized":
            large = bulky(rng, ledger.chain, expiry).raw
            return (large,) * (limits.block_bytes_max // len(large) + 1)
        case _:
            raise AssertionError(f"{rule!r} is no rule a block can break")


def _included(ledger: Ledger, height: int, slot: int) -> bytes | None:
    """The newest transaction below that height that has not expired."""
    for at in range(height - 1, max(0, height - LOOK_BACK_BLOCKS), -1):
        block = ledger.block_at(at)
        for raw in () if block is None else block.transactions:
            if decode_transaction(raw, ledger.chain).expiry >= slot:
                return raw
    return None


def _parent(ledger: Ledger, header: Header) -> HeaderNode:
    parent = ledger.node(header.parent)
    assert parent is not None, "a block of the ledger has its parent there"
    return parent


def _out_of_turn(ledger: Ledger, header: Header, stray: Hash) -> Header:
    """The header in the next slot, which is another's; by a stranger where it is the author's too.

    *Why not always by a stranger:* a node that lets any authority seal any slot refuses those.
    """
    if ledger.proposes(header.author, header.slot + 1, _parent(ledger, header)):
        return replace(header, author=stray)
    return replace(header, slot=header.slot + 1)


def _emptied(ledger: Ledger, header: Header) -> Header:
    """The header without transactions, which would have expired by its slot."""
    nothing = list_root([])
    state = _parent(ledger, header).header.state
    return replace(header, transactions=nothing, receipts=nothing, state=state, next_set=b"")


def _far(ledger: Ledger, header: Header) -> int:
    """A slot of the author's own that is far in the future."""
    slot, parent = header.slot + FAR_SLOTS, _parent(ledger, header)
    while not ledger.proposes(header.author, slot, parent):
        slot += 1
    return slot
