"""The judges of a run: each watches the facts go by and says which promise was broken, and how.

`checker` is what every judge looks like and the book of all of them; one file holds each family:
safety (nothing wrong is ever believed), liveness (things go on after the faults), ending (nothing
is lost, everything is explained), bounds (figures within limits), probes (rare events reached).
`reference` is a second, slow and simple reading of the ledger's rules to judge the fast one by.
"""
