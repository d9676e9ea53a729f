"""Signs transactions for an account and hands them to a node, in the order of its sequence."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chain.genesis import Genesis
from chain.primitives.errors import Refusal
from chain.transactions.body import Body
from chain.transactions.envelope import Transaction, sign_transaction
from p2p.accounts import Account
from p2p.api.client import ApiError, Client
from p2p.api.views import SubmitView, TransactionView

EXPIRY_SLOTS = 600
"""How long a transaction stays valid: ten minutes of one-second slots, enough for any queue."""
STALE = frozenset({"sequence-used", "sequence-taken", "wrong-sequence"})
"""Refusals that say another command of the same account was faster."""
ATTEMPTS_MAX = 4
"""More commands than this at the same moment for one account and lane want lanes of their own."""

NOT_YET = frozenset({"not-final", "state-too-old"})
"""Refusals of a receipt that pass by themselves while the chain becomes final."""
FINAL_POLL_S = 0.5
"""How often a node is asked for a receipt that is not final yet: a fraction of a slot."""


class NotIncluded(Exception):
    """A transaction was taken, but is in no block yet; it may still be."""


class IncludedAsFailed(Refusal):
    """A transaction is in a block, where it failed: it used its sequence number, nothing else."""


@dataclass(frozen=True, slots=True)
class Sender:
    """An account on a network, with a node that takes its transactions."""

    client: Client
    genesis: Genesis
    account: Account
    lane: int = 0

    def sign(self, body: Body, sequence: int, expiry: int) -> Transaction:
        """One transaction."""
        key = self.account.signing_key()
        did = self.account.did
        return sign_transaction(key, self.genesis.hash, did, self.lane, sequence, expiry, body)

    def next_sequence(self) -> int:
        """The first sequence number of the lane under which nothing is included or waits."""
        view = self.client.account(self.account.did_text)
        return next((s.next_free for s in view.sequences if s.lane == self.lane), 0)

    def expiry(self) -> int:
        """The last slot for a transaction signed now."""
        status = self.client.status()
        # Within what the network allows, and a slot less: its clock may be one behind ours.
        return status.slot + min(EXPIRY_SLOTS, max(1, status.expiry_slots_max - 1))

    def send(self, body: Body) -> Transaction:
        """Sign and submit one transaction. Raises ApiError when it is refused."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            tx = self.sign(body, self.next_sequence(), self.expiry())
            try:
                self.client.submit(tx.raw)
            except ApiError as error:
                if error.code not in STALE or attempt == ATTEMPTS_MAX:
                    raise
                continue
            return tx
        raise AssertionError("the last attempt returns or raises")

    def send_all(self, transactions: Sequence[Transaction]) -> list[SubmitView]:
        """Submit signed transactions, in order; one verdict each."""
        return self.client.submit_many([tx.raw for tx in transactions])


def await_inclusion(client: Client, txid: str, timeout_s: float) -> TransactionView:
    """The transaction in its block.

    Raises NotIncluded after `timeout_s`, and IncludedAsFailed when it is in a block and failed.
    """
    view = client.wait(txid, timeout_s)
    if view.status != "included":
        raise NotIncluded(
            f"{txid} is in no block after {timeout_s:g} s; it still waits: "
            f"`cornerstone tx wait {txid}` waits on"
        )
    return view


def await_final(fetch: Callable[[], bytes], timeout_s: float) -> bytes:
    """What `fetch` brings once it is final: asked again for `timeout_s`, not at all for 0.

    Raises ApiError as the node refuses, and NotIncluded when the time is over.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return fetch()
        except ApiError as error:
            if error.code not in NOT_YET or not timeout_s:
                raise
            if time.monotonic() >= deadline:
                raise NotIncluded(f"not final after {timeout_s:g} s: {error.detail}") from None
        time.sleep(FINAL_POLL_S)


def check_success(view: TransactionView) -> None:
    """Raise IncludedAsFailed when an included transaction failed."""
    if view.ok is False:
        raise IncludedAsFailed(
            view.code or "failed",
            f"{view.id} is in block {view.height}, but failed there ({view.code}); it used its "
            "sequence number and changed nothing else",
        )


Progress = Callable[[int, int], None]
"""Told how many of how many are done."""
