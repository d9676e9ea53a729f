"""The scenario: one TOML file with network, load, faults and expectations on one timeline.

`model` is the scenario as values, `source` reads and `text` writes it, `selectors` and `triggers`
say whom and when, `plan` is what `check` shows: the timeline worked out before anything runs.
"""
