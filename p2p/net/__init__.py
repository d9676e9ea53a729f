"""Bytes between two nodes: transports, the secure link over them, one connection's tasks."""
