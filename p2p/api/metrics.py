"""The node's figures for prometheus: its counters, and where it stands at the moment of asking."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from trio.lowlevel import current_statistics

from p2p.node import Node


class StatusCollector(Collector):
    """Reads the status when scraped."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterator[GaugeMetricFamily]:
        status = self._node.status()
        gauges: tuple[tuple[str, str, float], ...] = (
            ("height", "Height of the head.", status.height),
            ("finalized_height", "Height of the last final block.", status.finalized_height),
            (
                "justified_height",
                "Height of the last justified block.",
                status.finality.justified_height,
            ),
            ("voting", "1 while the node signs votes.", status.voting),
            ("slot", "The slot of this moment.", status.slot),
            ("head_slot", "The slot of the head.", status.head_slot),
            ("syncing", "1 while the node catches up.", status.syncing),
            ("peers_inbound", "Peers that dialled us.", status.peers_inbound),
            ("peers_outbound", "Peers we dialled.", status.peers_outbound),
            ("peers_known", "Addresses known.", status.peers_known),
            ("peers_tried", "Addresses known that we have reached.", status.peers_tried),
            ("mempool_transactions", "Transactions that wait.", status.mempool_transactions),
            ("mempool_bytes", "Their bytes.", status.mempool_bytes),
            ("tasks", "Tasks of the process that live.", current_statistics().tasks_living),
            ("uptime_seconds", "Since the node started.", status.uptime_s),
        )
        for name, help_text, value in gauges:
            yield GaugeMetricFamily(f"cornerstone_{name}", help_text, value=float(value))


class Metrics:
    """The exposition of one node."""

    def __init__(self, node: Node) -> None:
        self._observer = node.observer
        self._registry = CollectorRegistry()
        self._registry.register(StatusCollector(node))

    def exposition(self) -> bytes:
        """All figures in prometheus text format."""
        return self._observer.exposition() + generate_latest(self._registry)
