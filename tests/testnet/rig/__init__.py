"""Behaviours in conversation with a host of the tests: no node, no time but what is given."""
