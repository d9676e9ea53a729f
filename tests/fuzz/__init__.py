"""Fuzzers of every decoder: bounded in the tests, as long as you like by `python -m tests.fuzz`."""
