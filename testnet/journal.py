"""The supervisor's log: one JSON line an event, with the time it happened."""

import json
import sys
from datetime import UTC, datetime


def journal(event: str, **fields: str | int | float) -> None:
    """Writes one line to standard output, which the launcher points at supervisor.log."""
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
    sys.stdout.write(json.dumps({"event": event, **fields, "timestamp": stamp}) + "\n")
    sys.stdout.flush()
