"""What waits for one peer: five lanes, bounded, drained by weight into frames. No I/O.

Rules:
- Whatever waits leaves in one frame; of more than a frame holds, each lane gets its share by
  weight, in bytes, control first. *Why:* a frame costs the same whatever is in it; a download must
  not hold up a block, nor a burst of transactions either, and nothing may starve.
- Each lane is bounded in bytes and messages, and takes one message of any size when empty.
  *Why:* one slow peer must not fill our memory; and a message that never fits is never said.
- A full lane of bulk or votes forgets its oldest message. *Why:* a newer one says more.
- A full lane of replies or transactions refuses the newest. *Why:* whoever asked asks somebody else
  when time is up, and what waits is already half sent. Gossip looks at the `room` first: it is half
  of the lane, so that what was asked for finds a place beside what is pushed.
- Control and block lanes lose nothing: when one overflows, the peer is let go. So is a peer that
  keeps more than HIGH_WATER_BYTES waiting for SLOW_S. *Why:* it is not reading; feeding it for ever
  costs the others.
- While all outboxes of a node together hold more than WAITING_BYTES_MAX, each refuses replies and
  transactions beyond SHARE_BYTES, and is slow beyond them; but where nothing waits, one message of
  any size is taken. *Why:* a hundred peers that do not read must not hold a hundred times what one
  may; and who reads is served all the same. The other lanes are small.
What is dropped is counted by lane, never silent. A frame waits until the next one is taken.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

from p2p.wire.codec import FRAME_MESSAGES_MAX
from p2p.wire.messages import Lane

FRAME_TARGET_BYTES = 256 * 1024  # beyond it a frame gains nothing and holds up what comes next
LANE_MESSAGES_MAX = 4_096  # a frame's worth: more of them would be tiny, and cost their objects
HIGH_WATER_BYTES = 4 * 1024 * 1024  # a tenth of a second of a link of 300 Mbit/s
WAITING_BYTES_MAX = 128 * 1024 * 1024  # a few downloads at full speed; nobody waits for more
SHARE_BYTES = 1024 * 1024  # of 128 peers: again as much
SLOW_S = 15.0  # gossip has stopped pushing to the peer after ten of them


class Full(Enum):
    """What a full lane does."""

    END = auto()
    REFUSE_NEWEST = auto()
    FORGET_OLDEST = auto()


@dataclass(frozen=True, slots=True)
class LaneRules:
    """A lane's bound, its weight against the others, and what happens when it is full."""

    bytes_max: int
    weight: int
    full: Full


LANES = {
    Lane.CONTROL: LaneRules(64 * 1024, 16, Full.END),  # thousands of pongs; nobody is owed more
    Lane.VOTE: LaneRules(512 * 1024, 12, Full.FORGET_OLDEST),  # several rounds of 100 voters
    Lane.BLOCK: LaneRules(2 * 1024 * 1024, 8, Full.END),  # headers: an hour of any chain
    Lane.REPLY: LaneRules(16 * 1024 * 1024, 4, Full.REFUSE_NEWEST),  # two of the largest blocks
    Lane.TRANSACTION: LaneRules(4 * 1024 * 1024, 3, Full.REFUSE_NEWEST),  # half a full mempool
    Lane.BULK: LaneRules(512 * 1024, 1, Full.FORGET_OLDEST),  # one full reply of peer records
}


class Overflow(Exception):
    """The peer reads too slowly to be kept; the reason says by which measure."""


class _Queue:
    __slots__ = ("bytes", "finish", "messages", "rules")

    def __init__(self, rules: LaneRules) -> None:
        self.rules = rules
        self.messages: deque[bytes] = deque()
        self.bytes = 0
        self.finish = 0.0

    def is_full_for(self, message: bytes) -> bool:
        full = self.bytes + len(message) > self.rules.bytes_max
        return bool(self.messages) and (full or len(self.messages) >= LANE_MESSAGES_MAX)

    def pop(self) -> bytes:
        message = self.messages.popleft()
        self.bytes -= len(message)
        return message


class Waiting:
    """What waits in all outboxes of a node together."""

    __slots__ = ("bytes",)

    def __init__(self) -> None:
        self.bytes = 0

    @property
    def crowded(self) -> bool:
        """Whether each outbox is held to its share."""
        return self.bytes > WAITING_BYTES_MAX


class Outbox:
    """The queue of one peer."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._frame_bytes = 0  # of the frame taken last, which is being written
        self._queues = {lane: _Queue(rules) for lane, rules in LANES.items()}
        self._served = 0.0
        self._high_since_s: float | None = None
        self.bytes = 0
        self.dropped = dict.fromkeys(Lane, 0)

    def __len__(self) -> int:
        """Messages that wait."""
        return sum(len(queue.messages) for queue in self._queues.values())

    def room(self, lane: Lane) -> int:
        """Bytes that may be added of one's own accord: half of what the lane holds is kept free."""
        queue = self._queues[lane]
        if len(queue.messages) >= LANE_MESSAGES_MAX // 2:
            return 0
        room = queue.rules.bytes_max // 2 - queue.bytes
        if self._waiting.crowded:
            room = min(room, SHARE_BYTES - self._held)
        return max(0, room)

    def put(self, message: bytes, lane: Lane, now_s: float) -> bool:
        """Queue an encoded message; False if it was refused. Raises Overflow."""
        queue = self._queues[lane]
        if queue.rules.full is Full.REFUSE_NEWEST and self._exceeds_share(len(message)):
            self.dropped[lane] += 1
            return False
        while queue.is_full_for(message):
            self._check_lossy(queue, lane)
            self.dropped[lane] += 1
            if queue.rules.full is Full.REFUSE_NEWEST:
                return False
            self._hold(-len(queue.pop()))
        if not queue.messages:
            queue.finish = max(queue.finish, self._served)
        queue.messages.append(message)
        queue.bytes += len(message)
        self._hold(len(message))
        self._check_pace(now_s)
        return True

    def take(self) -> bytes:
        """The next frame; empty when nothing waits. It holds at least one whole message."""
        self._waiting.bytes -= self._frame_bytes
        self._frame_bytes = 0
        if not self.bytes:
            return b""
        before = self.bytes
        if self.bytes <= FRAME_TARGET_BYTES and len(self) <= FRAME_MESSAGES_MAX:
            frame = self._take_all()
        else:
            frame = self._take_some()
        self._frame_bytes = before - self.bytes
        return b"".join(frame)

    def close(self) -> None:
        """Forget everything, the frame being written too: the connection is over."""
        self._waiting.bytes -= self._held
        self._frame_bytes = 0
        self._take_all()

    def _take_some(self) -> list[bytes]:
        frame: list[bytes] = []
        size = 0
        while len(frame) < FRAME_MESSAGES_MAX and (queue := self._next()) is not None:
            length = len(queue.messages[0])
            if frame and size + length > FRAME_TARGET_BYTES:
                break
            queue.finish += length / queue.rules.weight
            self._served = queue.finish
            frame.append(queue.pop())
            size += length
        self.bytes -= size
        if self.bytes <= self._high_water:
            self._high_since_s = None
        return frame

    def _take_all(self) -> list[bytes]:
        frame: list[bytes] = []
        for queue in self._queues.values():
            if queue.messages:
                frame += queue.messages
                queue.messages.clear()
                queue.bytes = 0
            queue.finish = 0.0
        self._served = 0.0
        self._high_since_s = None
        self.bytes = 0
        return frame

    def _next(self) -> _Queue | None:
        """The queue whose first message would be through first at its weight (fair queueing)."""
        return min(
            (queue for queue in self._queues.values() if queue.messages),
            key=lambda queue: queue.finish + len(queue.messages[0]) / queue.rules.weight,
            default=None,
        )

    def _hold(self, more: int) -> None:
        self.bytes += more
        self._waiting.bytes += more

    @property
    def _high_water(self) -> int:
        return SHARE_BYTES if self._waiting.crowded else HIGH_WATER_BYTES

    @property
    def _held(self) -> int:
        return self.bytes + self._frame_bytes

    def _exceeds_share(self, more: int) -> bool:
        held = self._held
        return self._waiting.crowded and held > 0 and held + more > SHARE_BYTES

    def _check_lossy(self, queue: _Queue, lane: Lane) -> None:
        if queue.rules.full is Full.END:
            raise Overflow(
                f"{len(queue.messages)} messages of {queue.bytes} bytes wait in lane {lane.name}, "
                f"at most {LANE_MESSAGES_MAX} and {queue.rules.bytes_max}"
            )

    def _check_pace(self, now_s: float) -> None:
        high_water = self._high_water
        if self.bytes <= high_water:
            self._high_since_s = None
        elif self._high_since_s is None:
            self._high_since_s = now_s
        elif now_s - self._high_since_s > SLOW_S:
            raise Overflow(
                f"{self.bytes} bytes wait, more than {high_water} for over {SLOW_S:.0f} s"
            )
