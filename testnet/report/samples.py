"""How each node stood through the run, small enough to travel in the page for pointing at."""

import json

from testnet.report.branches import Tree
from testnet.report.lane_layout import chosen_rows
from testnet.report.trace import Trace

SAMPLES_MAX = 8_000
"""Of all lanes together, about twenty bytes each."""


def samples_json(trace: Trace, tree: Tree, concerned: tuple[str, ...]) -> str:
    """For each lane its name and [second, height, peers, waiting, branch], as one JSON text.

    It is safe between script tags: no `<` survives in it.
    """
    rows = chosen_rows(trace, concerned)
    each_max = max(SAMPLES_MAX // max(len(rows), 1), 1)
    lanes = []
    for node in rows:
        glimpses = trace.glimpses[node]
        step = -(-len(glimpses) // each_max) or 1
        taken = [
            [
                round(at_s, 1),
                glimpse.height,
                glimpse.peers,
                glimpse.mempool,
                tree.branch_of.get(glimpse.head, 0),
            ]
            for at_s, glimpse in glimpses[::step]
        ]
        lanes.append({"node": node, "samples": taken})
    return json.dumps(lanes, separators=(",", ":")).replace("<", "\\u003c")
