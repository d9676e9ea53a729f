"""Tests of envelopes, kinds and the rules of inclusion."""
