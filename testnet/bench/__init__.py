"""Benches: what gossip costs and how soon it arrives, measured on whole nodes over real links.

A plan is carried out by a conductor, who seats the nodes in one or several processes, has them
publish genuine transactions in phases (idle, unloaded, steady, burst) and reads their meters before
and after each. Other systems carry out the same plan by a script of their own and are shown beside.
"""
