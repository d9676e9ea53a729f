"""Tests of transports, the secure channel and connections."""
