"""Transactions that wait: `mempool` keeps them, `policy` says which a node takes, `assembly` picks.

Nothing here is part of validity: nodes may differ in what they keep and still agree on every block.
"""
