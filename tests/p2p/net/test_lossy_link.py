"""Two nodes on a line that loses a tenth of its packets and takes 300 ms there and back."""

from dataclasses import replace

import pytest

from tests.bench.lossy_link import PLAN, measure_lossy_link, permitted


@pytest.mark.slow
def test_everything_arrives_and_nobody_is_taken_for_dead() -> None:
    why_not = permitted()
    if why_not:
        pytest.skip(why_not)
    figure = measure_lossy_link(replace(PLAN, burst=300, unloaded=20, steady_s=10.0))
    run = figure.run
    assert figure.lost > 0.05 * (figure.carried + figure.lost)
    assert [phase.delivered for phase in (run.unloaded, run.steady, run.burst)] == [1.0, 1.0, 1.0]
    assert (run.disconnects, run.bans) == (0, 0)
