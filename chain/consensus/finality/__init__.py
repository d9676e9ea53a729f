"""Finality: authorities vote for blocks, and what more than two thirds confirmed twice stays.

A `vote` goes from a checkpoint that is justified to a newer one; votes of a quorum make a
`certificate`, which justifies its target and, when the two are one epoch apart, finalizes its
source. `standing` is what one chain knows of this, block by block; `closure` what a node knows
from all chains and votes together, from which the choice of the head follows. `pool` collects
votes, `duty` says what an authority may sign, `evidence` holds what nobody honest signs twice, and
`recovery` is the way out, by hand, when more than a third is lost for good.
"""
