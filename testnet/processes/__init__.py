"""The tier of real processes: faults carried out on a testnet that runs as users run it.

The supervisor keeps what is in force (`desk`) and does what is done to processes; an outpost in
each node (`outpost`) bends its clock, its disk, its frames and its links (`shaped`). `stage` is the
whole testnet as the director sees it, `run` plays a scenario on it. Nothing of it exists in a node
of a network that is not marked as a test.
"""
