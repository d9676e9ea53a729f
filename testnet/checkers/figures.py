"""The figures of a run, from its facts."""

from collections.abc import Sequence

from testnet.checkers.catalogue import Delivered
from testnet.checkers.checker import Ending
from testnet.checkers.deliveries import Deliveries
from testnet.checkers.measures import Measures, percentile
from testnet.observation import Seen
from testnet.outcome import Figure

SPREAD_PERCENTS = (50, 90, 99)
INCLUSION_PERCENTS = (50, 99)
LAG_PERCENTS = (50, 99)


def figures(seen: Sequence[Seen], ending: Ending) -> tuple[Figure, ...]:
    """What can be measured, in order; what did not happen has no figure."""
    hostile = [node.name for node in ending.nodes if not node.honest]
    measures = Measures(hostile)
    wait_s = Delivered().wait_ms / 1_000
    deliveries = Deliveries([node.name for node in ending.nodes], hostile, wait_s)
    for each in seen:
        measures.see(each)
        deliveries.see(each)
    found = [
        Figure("blocks", len(measures.blocks.first_s), "blocks"),
        Figure("transactions included", len(measures.included), "transactions"),
        Figure("reorgs", measures.reorgs, "times"),
        Figure("deepest reorg", measures.depth_max, "blocks"),
        *_percentiles("block propagation", measures.blocks.delays_s, SPREAD_PERCENTS),
        *_percentiles("transaction propagation", measures.transactions.delays_s, SPREAD_PERCENTS),
        *_percentiles("inclusion", measures.inclusions_s, INCLUSION_PERCENTS),
    ]
    lags = measures.lags.slots
    found += [
        Figure(f"finality lag p{percent}", percentile(lags, percent), "slots")
        for percent in LAG_PERCENTS
        if lags
    ]
    for name, value, unit in (
        ("bytes per transaction", measures.bytes_per_transaction, "bytes"),
        ("messages per transaction", measures.messages_per_transaction, "messages"),
    ):
        if value is not None:
            found.append(Figure(name, round(value, 1), unit))
    for name, value, unit in (
        ("copies", measures.copies, "bodies per delivery"),
        ("delivered", deliveries.share, "of 1"),
    ):
        if value is not None:
            found.append(Figure(name, round(value, 5), unit))
    return tuple(found)


def _percentiles(
    name: str, values_s: Sequence[float], percents: Sequence[int]
) -> tuple[Figure, ...]:
    if not values_s:
        return ()
    return tuple(
        Figure(f"{name} p{percent}", round(percentile(values_s, percent) * 1_000, 1), "ms")
        for percent in percents
    )
