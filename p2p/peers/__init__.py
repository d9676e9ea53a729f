"""What a node remembers of its peers: addresses, scores, budgets, and what it asked whom. Sans-IO."""
