"""The judges of a run: they watch the facts go by and say which promise was broken, and how.

`catalogue` lists what can be expected and `reading` finds it by name; `panel` seats the judges of a
run on one `bench`, where they share one `sight` of what honest nodes believe. One file holds each
family: `safety` (nothing wrong is ever believed), `liveness` behind `windows` (things go on after
the faults), `ending` (nothing is lost, everything is explained), `bounds` over `measures` (figures
within limits), `probes` (rare events reached). `reference` is a second, slow and simple reading of
the ledger's rules, over the plain `books`; `audit` replays the final chains with it, `referee`
holds the nodes against it. `figures` and `manual` tell people.
"""
