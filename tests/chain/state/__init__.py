"""Tests of chain.state."""
