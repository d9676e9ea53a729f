"""What can be recorded: one signed envelope, one file per family of kinds, one page of rules.

`envelope` turns bytes into a Transaction and back; `identity`, `payment` and `dataset` hold the
families; `registry` lists them; `rules` says what makes a transaction un-includable and what
applying it does. Adding a kind is a file here and a line in the registry.
"""
