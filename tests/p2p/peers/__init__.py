"""Tests of what a node remembers of its peers."""
