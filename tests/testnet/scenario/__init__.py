"""Tests of the scenario format: reading, writing, selecting, planning, the library."""
