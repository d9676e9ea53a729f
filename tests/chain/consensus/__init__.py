"""Tests of chain.consensus."""
