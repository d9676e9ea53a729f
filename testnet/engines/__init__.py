"""The engine tier: thousands of routers on one heap, for studies of gossip, sync and discovery.

The routers are the very same ones, with their ledgers; what lies below them is left out. `heap` is
time, `net` joins `host`s by lines with delays and loses or holds what faults say, `shared` and
`versions` keep once what is the same in all of them, `strangers` are identities that only pretend,
and `run` plays a scenario. docs/laboratory/engines.md says what this tier cannot show.
"""
