"""Counts the websocket frames of a byte stream that carry no whole message (RFC 6455, section 5.2).

Pings, pongs and pieces of messages are dealt with below us, by the library; their number is only
seen here. *Why it matters:* two bytes and a mask make the loop parse a frame and answer it.
What comes before the blank line of the handshake is no frame.
"""

WHOLE_MESSAGE = 0x82  # final, no extension, binary
LENGTH_16, LENGTH_64 = 126, 127
MASK_BYTES = 4
HEADER_BYTES_MAX = 14
BLANK_LINE = b"\r\n\r\n"


class FrameMeter:
    """Reads on from where the last bytes ended; makes no judgement of what it reads."""

    __slots__ = ("_head", "_payload", "_shaken")

    def __init__(self) -> None:
        self._shaken = False
        self._head = b""  # of a frame, or the end of the handshake so far
        self._payload = 0  # bytes still to come of the frame that is being passed over

    def feed(self, data: bytes, most: int) -> int:
        """How many frames begin in `data` that are no whole message; gives up beyond `most`."""
        if not self._shaken:
            data = self._after_handshake(data)
        count, at = 0, self._payload
        while at < len(data) and count <= most:
            size, payload = _measure(self._head, data, at)
            if not size:
                break
            first = self._head[0] if self._head else data[at]
            count += first != WHOLE_MESSAGE
            at += size - len(self._head) + payload
            self._head = b""
        if at < len(data):
            self._head += data[at:]
            self._payload = 0
        else:
            self._payload = at - len(data)
        return count

    def _after_handshake(self, data: bytes) -> bytes:
        seen = self._head + data
        end = seen.find(BLANK_LINE)
        if end < 0:
            self._head = seen[-len(BLANK_LINE) + 1 :]
            return b""
        self._shaken, self._head = True, b""
        return seen[end + len(BLANK_LINE) :]


def _measure(head: bytes, data: bytes, at: int) -> tuple[int, int]:
    """The bytes of the header that `head` and `data` begin with, and of its payload; or 0, 0."""
    start = head + data[at : at + HEADER_BYTES_MAX]
    if len(start) < 2:
        return 0, 0
    length = start[1] & 127
    extended = {LENGTH_16: 2, LENGTH_64: 8}.get(length, 0)
    size = 2 + extended + (MASK_BYTES if start[1] & 128 else 0)
    if len(start) < size:
        return 0, 0
    return size, int.from_bytes(start[2 : 2 + extended], "big") if extended else length
