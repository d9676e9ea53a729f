"""The pytest plugin: the fixture `testnet`, for fault tests of ten lines.

Every pytest run in an environment that has this package loads it, so it imports nothing of the
laboratory until a test asks for the fixture. Documentation: docs/laboratory/pytest.md.
"""

from importlib import import_module
from pathlib import Path

import pytest


@pytest.fixture(name="testnet")
def testnet_fixture(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    """A testnet.experiment.Laboratory. The story of a run that failed joins the test's report."""

    def told(text: str) -> None:
        request.node.add_report_section("call", "testnet", text)

    return import_module("testnet.experiment").laboratory(tmp_path, told)
