"""The ledger: what is recorded, and the rules by which nodes agree. No sockets, clocks, threads."""
