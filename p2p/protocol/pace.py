"""How many messages one peer may say.

Rules:
- Each costs one of MESSAGES_RATE a second, whoever says it; every one beyond is an offence. *Why:*
  a message costs some 20 us however little it asks for. One of many parts costs as many as it takes
  to read. *Why:* it is read before it is known to be late, or an answer to nothing, and 2,000 empty
  headers take a hundred pings. What shows headers costs HEADER_MESSAGES. *Why:*
  each may be a seal to check and a question to ask; and a head that nobody has can be claimed, and
  answered for with nothing, over and over, without an offence.
- Those that bring a full node transactions pay for what they carry instead (see `allowances`).
  *Why:* a push leaves as soon as its transaction is accepted. Whoever does that for several peers
  says more than any one of them may, and honest nodes would ban each other for it.
"""

from p2p.peers.bucket import TokenBucket
from p2p.protocol.instant import Now
from p2p.wire.messages import (
    AnnounceBlock,
    BlockTransactions,
    CompactBlock,
    GetBlockTransactions,
    Headers,
    Message,
    Peers,
    Transactions,
)

# An honest peer at 500 transactions a second says about a hundred others a second.
MESSAGES_RATE = 1000.0
MESSAGES_BURST = 10_000.0  # 20 s of the shortest slots, with votes: what a pause of ours lets come
PARTS = 32  # headers, records, places or transactions of a block that count as one message more
SHORT_PARTS = 256  # so do short ids, which are cut from one string
HEADER_MESSAGES = 10  # 200 us; at the shortest slots an honest peer shows twenty headers a second


class Pace:
    """The budget of one peer; `light`: it follows finality only, and brings nothing."""

    __slots__ = ("_budget", "_light")

    def __init__(self, now: Now, *, light: bool) -> None:
        self._budget = TokenBucket(MESSAGES_RATE, MESSAGES_BURST, now.s)
        self._light = light

    def allows(self, message: Message, now: Now) -> bool:
        """Whether one more message is within the budget; pays for it."""
        match message:
            case Transactions(_, (_, *_)) if not self._light:
                return True
            case _:
                return self._budget.take(_messages(message), now.s)


def _messages(message: Message) -> int:
    """As how many messages one counts. Ids and bodies of transactions, votes and certificates have
    budgets of their own."""
    match message:
        case AnnounceBlock():
            return HEADER_MESSAGES
        case Headers():
            return HEADER_MESSAGES + len(message.headers) // PARTS
        case CompactBlock():
            return HEADER_MESSAGES + len(message.short_ids) // SHORT_PARTS
        case Peers(_, parts) | GetBlockTransactions(_, _, parts) | BlockTransactions(_, parts):
            return 1 + len(parts) // PARTS
        case _:
            return 1
