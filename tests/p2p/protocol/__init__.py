"""Conversations with the engines: this message, from this peer, at this time, these effects."""
