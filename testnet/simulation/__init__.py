"""Virtual time: whole nodes in one process, on one simulated network, from one seed.

The nodes are the very same ones; what they are given is not: `wire` carries their messages under
the conditions of `weather`, `disk` keeps their data, trio's mock clock jumps from one deadline to
the next, and `scheduler` makes the order of tasks a function of the seed.
"""
