"""How many messages one peer may say.

Rules:
- Each costs one of MESSAGES_RATE a second, whoever says it; every one beyond is an offence. *Why:*
  a message costs some 20 us however little it asks for.
- Those that bring a full node transactions pay for what they carry instead (see `allowances`).
  *Why:* a push leaves as soon as its transaction is accepted. Whoever does that for several peers
  says more than any one of them may, and honest nodes would ban each other for it.
"""

from p2p.peers.bucket import TokenBucket
from p2p.protocol.instant import Now
from p2p.wire.messages import Message, Transactions

# An honest peer at 500 transactions a second says about a hundred others a second.
MESSAGES_RATE = 1000.0
MESSAGES_BURST = 5000.0


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
                return self._budget.take(1, now.s)
