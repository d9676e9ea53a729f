"""The network: sans-IO engines around the ledger, and the thin trio shell that runs them."""
