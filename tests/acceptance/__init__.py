"""Long runs on real processes, by the commands users type: `pytest -m slow tests/acceptance`."""
