"""Faults on real processes: acts on their way, weather on sockets, the desk, the stage."""
