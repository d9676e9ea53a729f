"""Many seeds of one scenario: which ones, on how many processors, and what came of them.

`seeds` reads which are meant, `crew` runs them on processes of this machine and `dask` on a
cluster; both give back one `Summary` (or `Lost`) a seed as soon as it is known. `tally` adds them
up, `ledger` remembers what failed for the next time, `determinism` holds a run against itself.
"""
