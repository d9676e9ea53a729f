"""What travels between nodes: messages, the frames that carry many of them, signed peer records."""
