"""The catalogue of faults: every kind with its parameters, its tiers and what it is for.

One file per family holds the kinds as frozen values; `parameters` reads and writes their fields;
`kinds` is the whole catalogue. What carries a fault out lives where it acts: inside a node (`rig`),
on the wire, or on the stage that starts and stops nodes.
"""
