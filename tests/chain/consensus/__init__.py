"""The engines against one contract, the header tree, and each engine's own rules."""
