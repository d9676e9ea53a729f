"""What a node remembers of its peers: addresses, scores, budgets, who was asked for what."""
