"""The laboratory: many nodes on one machine, started, watched, loaded and broken on purpose."""
