"""A node's HTTP API, version 1: what it answers (views), how it serves, and the client for it."""
