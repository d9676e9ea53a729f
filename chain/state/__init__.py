"""The state: keys and values with a journal, and the tree whose root every header carries."""
