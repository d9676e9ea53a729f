"""The object scripts read: the keys they were promised, and only what JSON knows."""

import json

from testnet.report.json import report_fields
from tests.testnet.report.staged import Stage, outcome


def test_the_promised_keys() -> None:
    ran = outcome(Stage(blocks=45))
    told = json.loads(json.dumps(report_fields([ran]), allow_nan=False))
    assert told["report"] == 1
    (run,) = told["runs"]
    assert run["seed"] == 7
    assert run["verdict"] == "safety"
    assert run["digest"] == ran.digest
    assert run["failed"] == ["common-prefix"]
    assert run["virtual_s"] == 41.3
    assert run["wall_s"] == 2.31
    assert run["violations"][0]["nodes"] == ["n1", "n8"]
    assert run["figures"][0] == {"name": "propagation p50", "value": 84.2, "unit": "ms"}


def test_runs_stay_in_their_order() -> None:
    runs = [outcome(Stage(blocks=2, broken=False), seed=seed) for seed in (5, 3, 9)]
    told = report_fields(runs)["runs"]
    assert isinstance(told, list)
    assert [run["seed"] for run in told] == [5, 3, 9]
