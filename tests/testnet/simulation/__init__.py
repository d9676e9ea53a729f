"""Tests of virtual time: the wire, the disk, the scheduler, and whole runs."""
