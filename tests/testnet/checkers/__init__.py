"""Tests of the checkers: silent over a clean run, loud when their promise is broken."""
