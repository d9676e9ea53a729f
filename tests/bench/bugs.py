"""The planted bugs: each one text of the code replaced by another, and what is wrong then.

Each breaks a promise by itself. Two rules of which either alone keeps the promise (defence in
depth) are no bugs of this list: with one of them gone nothing happens that could be seen. Such are
the source of a certificate in the closure (a quorum would have to sign against the rules), a
certificate against what is final (likewise), and whether a block one votes for stands on what is
final (the head always does).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bug:
    """One text replaced by another, in one file; `harm` is what follows from it."""

    name: str
    harm: str
    file: str
    was: str
    becomes: str


BLOCKS = (
    Bug(
        "an expired transaction is accepted",
        "what its sender has given up happens after all",
        "chain/transactions/rules.py",
        "if tx.expiry < context.slot:",
        "if tx.expiry < 0:",
    ),
    Bug(
        "any sequence number is accepted",
        "a transaction applies twice, or before one it depends on",
        "chain/transactions/rules.py",
        "if tx.sequence != expected:",
        "if tx.sequence < 0:",
    ),
    Bug(
        "signatures in blocks are not checked",
        "a producer spends what is others'",
        "p2p/protocol/intake.py",
        "if all(verdicts):",
        "if verdicts:",
    ),
    Bug(
        "anybody's seal is good",
        "whoever hears of a turn takes it",
        "chain/consensus/authority.py",
        "if sealing_key(leader, header, seal) is None:",
        "if not leader.seals:",
    ),
    Bug(
        "anybody may make a block in any slot",
        "one authority makes all blocks",
        "chain/consensus/authority.py",
        "if header.author != leader.did:\n            raise",
        "leader = next((m for m in authorities.members if m.did == header.author), leader)\n"
        "        if header.author != leader.did:\n            raise",
    ),
    Bug(
        "the history of headers is not checked",
        "receipts and light nodes rest on a root that means nothing",
        "chain/validation.py",
        "if header.history != history:",
        "if not header.history:",
    ),
    Bug(
        "the state root is not checked",
        "a producer proves to light nodes what is not so",
        "chain/chainstate.py",
        "if header.state != executed.update.root:",
        "if not header.state:",
    ),
    Bug(
        "blocks far in the future are accepted",
        "one block, and nobody's turn comes for an hour",
        "chain/validation.py",
        "SLOTS_AHEAD_MAX = 1",
        "SLOTS_AHEAD_MAX = 100_000",
    ),
)
"""Rules that a block has to keep."""

CHAINS = (
    Bug(
        "a payment does not leave the payer",
        "money out of nothing",
        "chain/transactions/payment.py",
        "set_balance(state, code, sender, held - amount)",
        "set_balance(state, code, sender, held)",
    ),
    Bug(
        "undoing a block forgets one change",
        "after a reorganisation a state that no blocks lead to",
        "chain/chainstate.py",
        "undo = {key: state.stored(key) for key in changes}",
        "undo = {key: state.stored(key) for key in list(changes)[:-1]}",
    ),
    Bug(
        "a reorganisation does not return transactions to the mempool",
        "what only the losing side had included is lost",
        "chain/ledger.py",
        "again = [tx for tx in left if not self.is_included(tx.id)]",
        "again: list[Transaction] = []",
    ),
    Bug(
        "the head stays where it is, whatever is heavier",
        "two halves never become one again",
        "chain/consensus/finality/choice.py",
        "ranked = tree.candidates(head)",
        "ranked = [head, *tree.candidates(head)]",
    ),
    Bug(
        "of equal tips the later slot wins",
        "a late block displaces one that others have built on",
        "chain/consensus/headertree.py",
        'return node.weight, -node.slot, -int.from_bytes(node.id, "big")',
        'return node.weight, node.slot, -int.from_bytes(node.id, "big")',
    ),
    Bug(
        "headers before an unknown one are not asked for",
        "who missed a block never catches up",
        "p2p/protocol/sync.py",
        "if not self._ledger.has_block(header.parent):\n"
        "            self._wanted.claim(peer, header.height, header.id)\n",
        "if not self._ledger.has_block(header.parent):\n",
    ),
    Bug(
        "the guard against two blocks in a slot is not kept",
        "a node that starts again offends, and loses its seat",
        "chain/drafting.py",
        "if slot <= last:",
        "if slot < 0:",
    ),
    Bug(
        "transactions are relayed before they are validated",
        "honest nodes do an attacker's work and are banned for it",
        "p2p/protocol/admission.py",
        "            candidate, more = self._candidate(peer, transaction, digest, now)\n",
        "            candidate, more = self._candidate(peer, transaction, digest, now)\n"
        "            others = [p for p in self._allowances if p != peer and candidate]\n"
        "            effects += self._workings.offers.fresh([transaction], others, now)[0]\n",
    ),
    Bug(
        "an address that failed is dialled again at once",
        "a dead node is hammered by all others",
        "p2p/peers/backoff.py",
        "self._next_s = now_s + delay_s * rng.uniform(0.5, 1.0)",
        "self._next_s = now_s",
    ),
)
"""What nodes do with blocks, transactions and each other."""

FINALITY = (
    Bug(
        "a quorum is fewer than half of the authorities",
        "both sides of a cut finalize",
        "chain/consensus/authorityset.py",
        "return 2 * members // 3 + 1",
        "return members // 2",
    ),
    Bug(
        "a certificate needs no quorum",
        "one authority finalizes what it likes",
        "chain/consensus/finality/certificate.py",
        "if len(signers) < authorities.quorum:",
        "if not signers:",
    ),
    Bug(
        "signatures of certificates in blocks are not checked",
        "one author finalizes what it likes",
        "chain/finality.py",
        "check_signatures(certificate, authorities, self._chain, self.pool.verified)",
        "check_signers(certificate, authorities)",
    ),
    Bug(
        "the source of a certificate in a block is not checked",
        "what is final on a chain moves back with an old certificate",
        "chain/consensus/finality/standing.py",
        "if source not in self.justified:",
        "if not self.justified:",
    ),
    Bug(
        "an authority votes twice for one epoch",
        "two blocks are justified at one epoch",
        "chain/consensus/finality/duty.py",
        "if vote.target.epoch <= self.target or vote.set_id < self.set_id:",
        "if vote.set_id < self.set_id:",
    ),
    Bug(
        "an authority votes around its earlier votes",
        "a quorum votes around a link that has finalized",
        "chain/consensus/finality/duty.py",
        "return vote.set_id > self.set_id or vote.source.epoch >= self.source",
        "return True",
    ),
    Bug(
        "the guard of votes is not kept over a restart",
        "a node that starts again must not vote any more, so finality stops",
        "chain/voting.py",
        "        self._store.write(batch, durable=True)\n",
        "",
    ),
    Bug(
        "what is final is forgotten at a restart",
        "a node that starts again may be led back behind it, and finalizes nothing more",
        "chain/consensus/finality/remembered.py",
        "if row is None:",
        "if row is None or row:",
    ),
    Bug(
        "the head need not stand on what is justified or final",
        "a minority that grew the longer chain stays there",
        "chain/consensus/finality/choice.py",
        "if tree.descends(node.id, justified) and tree.descends(node.id, final):",
        "if tree.good(node.id):",
    ),
    Bug(
        "a decided set is in force at once",
        "two sets finalize on two branches",
        "chain/consensus/finality/standing.py",
        "return replace(self, pending=Pending(block, slot, Hash(next_set)))",
        "return self.hand_over(Pending(block, slot, Hash(next_set)), self.newest)",
    ),
    Bug(
        "the old set votes beyond the block that ends it",
        "both sets justify blocks there",
        "chain/consensus/finality/duty.py",
        "target = block if standing.pending is None else standing.pending.block",
        "target = block",
    ),
    Bug(
        "a new set begins where the old one was seen to end",
        "elsewhere on each branch, so its members' votes exclude nothing",
        "chain/consensus/finality/standing.py",
        "base = Checkpoint(pending.block, pending.slot)",
        "base = Checkpoint(pending.block, target.epoch)",
    ),
)
"""The rules of docs/spec/consensus.md."""

BUGS = (*BLOCKS, *CHAINS, *FINALITY)
