"""Votes, certificates, standing, fork choice and what authorities may sign."""
