"""Tests of the mempool, the relay policy and block assembly."""
