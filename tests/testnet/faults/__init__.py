"""Tests of the catalogue of faults."""
