"""Which seeds are meant: `7`, `1..1000`, `1,5,9`, and any of these joined by commas."""

import re

from testnet.errors import Unfit

SEEDS_MAX = 200_000
"""A day of a laptop at two seeds a second, and summaries of 100 MB; more is several campaigns."""

SEED_MAX = 2**63 - 1
"""What a scenario's own `seed` can be."""

TERM = re.compile(r"([0-9]{1,19})(?:\.\.([0-9]{1,19}))?")


def parse_seeds(text: str) -> tuple[int, ...]:
    """The seeds in the order they are written, each once. Raises Unfit."""
    spans = [_span(term.strip()) for term in text.split(",")]
    count = sum(span.stop - span.start for span in spans)
    if count > SEEDS_MAX:
        raise Unfit("seeds", f"{text!r} are {count} seeds; a campaign takes at most {SEEDS_MAX}")
    return tuple(dict.fromkeys(seed for span in spans for seed in span))


def _span(term: str) -> range:
    match = TERM.fullmatch(term)
    if match is None:
        raise Unfit("seeds", f"{term!r} is no seed; write 7, 1..1000 or 1,5,9")
    first, last = int(match[1]), int(match[2] or match[1])
    if first > last:
        raise Unfit("seeds", f"{term} runs backwards; write {last}..{first}")
    if last > SEED_MAX:
        raise Unfit("seeds", f"{last} is above {SEED_MAX}, the largest seed")
    return range(first, last + 1)
