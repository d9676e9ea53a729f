"""Refusals: what a peer or a user did wrong, with a code for programs and a reason for people."""

REASON_MAX = 2_000  # characters: a screenful, whatever of a stranger is quoted


class Refusal(Exception):
    """Input that is not accepted.

    `code` is a stable kebab-case name; `reason` compares the values and says what to do. Of a long
    one REASON_MAX characters are kept: reasons are logged, and remembered of thousands of peers.
    """

    def __init__(self, code: str, reason: str) -> None:
        reason = reason if len(reason) <= REASON_MAX else reason[: REASON_MAX - 3] + "..."
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"


class Malformed(Refusal):
    """Bytes that do not decode, or decode to the wrong shape."""


class Invalid(Refusal):
    """Well-formed, but against a rule of the ledger that its sender could have checked."""


class Declined(Refusal):
    """Not accepted by this node now, by its policy or for lack of knowledge; no one's fault."""


class StoreFailure(Exception):
    """The disk's fault: the store cannot be opened, read or written."""
