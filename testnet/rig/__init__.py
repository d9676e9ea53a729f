"""What a testnet puts into a node to break it: the rig, and the behaviours it hosts.

The node stays the very same node. The rig is its tap at the boundary of frames, its clock, the
store under its ledger and the shaping of its links; a behaviour is one fault in force. The same rig
is in nodes of virtual time and in real processes; only nodes of a genesis marked `test` have one.
"""
