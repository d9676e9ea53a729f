"""Tests of the HTTP API, its client and its proofs."""
