"""Tests of the engine tier: from the heap up to whole scenarios."""
