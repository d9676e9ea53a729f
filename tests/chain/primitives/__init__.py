"""Tests of chain.primitives, with the official vectors of every standard it claims."""
