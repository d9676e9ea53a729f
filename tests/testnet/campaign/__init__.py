"""Tests of campaigns: seeds, workers that die, the ledger, runs that contradict themselves."""
