"""What one peer may make us spend on transactions: a bucket for each cost it controls."""

from p2p.peers.bucket import TokenBucket
from p2p.protocol.instant import Now

SERVED_BYTES_RATE = 4_000_000  # a second and peer: 16,000 transactions of 250 bytes
SERVED_BYTES_BURST = 16_000_000
BODY_BYTES_RATE = 4_000_000  # sent to us: as much as we would serve
BODY_BYTES_BURST = 64_000_000  # two full mempools
IDS_RATE = 20_000  # announced, sent or asked for, a second and peer: 20 ms of our time
IDS_BURST = 200_000  # four full mempools, as two halves of a healed network exchange
UNVERIFIED_MAX = 2_048  # bodies nobody asked for whose signatures wait: 70 ms of two threads
# Transactions that come to nothing, though nobody is to blame: 50 ms of our time, a second and peer
DECLINED_RATE = 500
DECLINED_BURST = 10_000  # the transactions of the largest block, which may come after it
FAULTS_RATE = 3 / 60  # unserved promises that are free; even an honest peer can be unlucky
FAULTS_BURST = 3
BLAME_RATE = 5 / 60  # unserved promises that give a point: fewer than ten minutes forget
BLAME_BURST = 5
UNKEPT_MAX = 5  # in a row: one pause of a peer lets several requests run out at once
UNKEPT_S = 60.0  # nobody honest is silent for a minute to each of so many requests, and connected


class Allowance:
    """The buckets of one peer, and how many of its unasked bodies are being verified."""

    __slots__ = (
        "_since_s",
        "_unkept",
        "blame",
        "body_bytes",
        "bytes_served",
        "declined",
        "faults",
        "ids",
        "unverified",
    )

    def __init__(self, now: Now) -> None:
        self.ids = TokenBucket(IDS_RATE, IDS_BURST, now.s)
        self.bytes_served = TokenBucket(SERVED_BYTES_RATE, SERVED_BYTES_BURST, now.s)
        self.body_bytes = TokenBucket(BODY_BYTES_RATE, BODY_BYTES_BURST, now.s)
        self.declined = TokenBucket(DECLINED_RATE, DECLINED_BURST, now.s)
        self.faults = TokenBucket(FAULTS_RATE, FAULTS_BURST, now.s)
        self.blame = TokenBucket(BLAME_RATE, BLAME_BURST, now.s)
        self.unverified = 0
        self._unkept = 0
        self._since_s = 0.0

    def blames(self, now: Now) -> bool:
        """Whether one more promise that was not kept is held against the peer."""
        return not self.faults.take(1, now.s) and self.blame.take(1, now.s)

    def fruitless(self, now: Now) -> None:
        """A body of the peer's was declined, or was of an id that is done with here."""
        self.declined.owe(1, now.s)

    def wearies(self, now: Now) -> bool:
        """Whether so much of the peer's came to nothing that it is only heard when asked."""
        return not self.declined.take(0, now.s)

    def kept(self) -> None:
        """A promise was kept: earlier ones that were not count no more against its usefulness."""
        self._unkept = 0

    def unkept(self, now: Now) -> bool:
        """A promise was not kept. Whether none has been for so long that the peer is of no use."""
        if not self._unkept:
            self._since_s = now.s
        self._unkept += 1
        return self._unkept >= UNKEPT_MAX and now.s - self._since_s >= UNKEPT_S
