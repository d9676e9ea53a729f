"""A matrix of cities: how long blocks of one took to stand on the chains of another."""

from statistics import median

from testnet.report.svg import picture, rect, text
from testnet.report.trace import Trace
from testnet.report.words import counted, lasting

CELL_WIDTH, CELL_HEIGHT = 56, 26
LEFT, TOP = 104, 84
LETTERS_MAX = 14
"""Of a city's name in the head of a column."""


def cities(trace: Trace, city_of: dict[str, str]) -> str:
    """The drawing; empty where fewer than two cities have nodes."""
    names = tuple(dict.fromkeys(city_of[node] for node in trace.nodes if city_of.get(node)))
    if len(names) < 2:
        return ""
    middle = medians(trace, city_of)
    slowest = max(middle.values(), default=0.0)
    parts = list[str]()
    for column, to in enumerate(names):
        x = LEFT + column * CELL_WIDTH + CELL_WIDTH / 2
        parts.append(text(x, TOP - 8, to[:LETTERS_MAX], transform=f"rotate(-35 {x:.0f} {TOP - 8})"))
    for row, origin in enumerate(names):
        y = TOP + row * CELL_HEIGHT
        parts.append(text(LEFT - 8, y + 17, origin[:LETTERS_MAX], text_anchor="end"))
        for column, to in enumerate(names):
            x = LEFT + column * CELL_WIDTH
            parts.append(_cell(x, y, origin, to, middle.get((origin, to)), slowest))
    width = LEFT + len(names) * CELL_WIDTH + 60
    return picture(
        width,
        TOP + len(names) * CELL_HEIGHT + 6,
        "From city to city",
        f"Median time from the first node with a block to those of another city,"
        f" {counted(len(names), 'city', 'cities')}",
        "".join(parts),
        class_="cities",
        style=f"width:{width}px",
    )


def medians(trace: Trace, city_of: dict[str, str]) -> dict[tuple[str, str], float]:
    """Seconds by (city of origin, city)."""
    found = dict[tuple[str, str], list[float]]()
    for origin, node, delay in trace.delays:
        pair = city_of.get(origin, ""), city_of.get(node, "")
        found.setdefault(pair, []).append(delay)
    return {pair: median(delays) for pair, delays in found.items()}


def _cell(x: float, y: float, origin: str, to: str, seconds: float | None, slowest: float) -> str:
    size = {"width": CELL_WIDTH - 2, "height": CELL_HEIGHT - 2, "rx": 4}
    if seconds is None:
        return rect(x, y, words=f"{origin} to {to}: no block went this way", class_="empty", **size)
    share = seconds / slowest if slowest else 0.0
    cell = rect(
        x,
        y,
        words=f"{origin} to {to}: {lasting(seconds)}",
        class_="heat",
        fill_opacity=f"{0.08 + 0.77 * share:.2f}",
        **size,
    )
    return cell + text(
        x + CELL_WIDTH / 2 - 1, y + 16, lasting(seconds), text_anchor="middle", font_size=10
    )
