"""Tests of the laboratory: the launcher, its processes, the firewall, the workload."""
