"""The commands that talk to a node or run one: `tx`, `account`, `block`, `chain`, `node`."""
