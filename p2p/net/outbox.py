"""What waits for one peer: five lanes, bounded, drained by weight into frames. No I/O.

Rules:
- Lanes leave by weight, control first. *Why:* a download must not hold up a block, and a burst of
  transactions must not hold up either.
- Announcements and bulk fall out of a full lane, oldest first, and are counted; other lanes never
  lose anything: when one of them overflows, the peer is too slow and is let go. *Why:* a dropped
  reply would leave its asker waiting, and one slow peer must not fill our memory.
"""

from collections import deque

from p2p.wire.messages import Lane

LANE_BYTES_MAX = 24 * 1024 * 1024  # two replies of the largest block
LANE_MESSAGES_MAX = 4_096
FRAME_TARGET_BYTES = 256 * 1024  # beyond it a frame gains nothing and holds up what comes next
DROPPABLE = frozenset({Lane.TRANSACTION, Lane.BULK})
# Messages a lane may add to a frame before the next lane's turn.
WEIGHTS = {
    Lane.CONTROL: 64,
    Lane.BLOCK: 16,
    Lane.REPLY: 8,
    Lane.TRANSACTION: 4,
    Lane.BULK: 1,
}


class Overflow(Exception):
    """A lane that must not lose anything is full."""


class Outbox:
    """The queue of one peer."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, deque[bytes]] = {lane: deque() for lane in Lane}
        self._bytes: dict[Lane, int] = dict.fromkeys(Lane, 0)
        self.dropped = 0

    def __bool__(self) -> bool:
        return any(self._lanes.values())

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait."""
        return sum(self._bytes.values())

    def put(self, message: bytes, lane: Lane) -> None:
        """Queue an encoded message. Raises Overflow when the lane must not lose any and is full."""
        queue = self._lanes[lane]
        queue.append(message)
        self._bytes[lane] += len(message)
        while len(queue) > LANE_MESSAGES_MAX or self._bytes[lane] > LANE_BYTES_MAX:
            if lane not in DROPPABLE:
                raise Overflow(
                    f"{len(queue)} messages, {self._bytes[lane]} bytes wait in lane {lane.name}; "
                    f"at most {LANE_MESSAGES_MAX} and {LANE_BYTES_MAX}"
                )
            self._bytes[lane] -= len(queue.popleft())
            self.dropped += 1

    def take(self) -> bytes:
        """The next frame; empty when nothing waits. It holds at least one whole message."""
        frame: list[bytes] = []
        size = 0
        while size < FRAME_TARGET_BYTES and self:
            for lane, queue in self._lanes.items():
                for _ in range(WEIGHTS[lane]):
                    if not queue or (frame and size + len(queue[0]) > FRAME_TARGET_BYTES):
                        break
                    message = queue.popleft()
                    self._bytes[lane] -= len(message)
                    frame.append(message)
                    size += len(message)
            if frame and all(
                not queue or size + len(queue[0]) > FRAME_TARGET_BYTES
                for queue in self._lanes.values()
            ):
                break
        return b"".join(frame)
