"""Tests of the commands that do more than ask a node."""
