"""What running nodes hold final, asked again and again, and compared block by block at the end."""

from collections.abc import Callable, Mapping

from p2p.api.client import Client
from tests.live import until

PAGE = 100


class Finals:
    """Final blocks of nodes, by what their APIs say. Each node must answer."""

    def __init__(self, nodes: Mapping[str, Client]) -> None:
        self._nodes = nodes
        self._told: dict[tuple[str, int], str] = {}

    def sample(self) -> None:
        """Remember what each node calls its newest final block."""
        for name, client in self._nodes.items():
            now = client.finality()
            self._told.setdefault((name, now.height), now.block)

    def until(self, met: Callable[[], bool], what: str, within_s: float) -> None:
        """Sample until a condition holds."""

        def look() -> bool:
            self.sample()
            return met()

        until(what, look, within_s)

    def compare(self) -> tuple[int, int]:
        """How many final blocks the nodes hold together, and how many are not what another says.

        Besides, whatever a node has ever called final must be on its final chain now.
        """
        chains = {name: _chain(client) for name, client in self._nodes.items()}
        longest = max(chains.values(), key=len)
        differ = sum(longest[h] != block for chain in chains.values() for h, block in chain.items())
        given_up = sum(chains[name].get(h) != block for (name, h), block in self._told.items())
        return sum(map(len, chains.values())), differ + given_up


def _chain(client: Client) -> dict[int, str]:
    """All final blocks of a node, by height."""
    chain: dict[int, str] = {}
    below = client.finality().height + 1
    while below > 0:
        page = client.blocks(PAGE, before=below)
        chain.update((block.height, block.id) for block in page if block.height < below)
        below = min(block.height for block in page)
    return chain
