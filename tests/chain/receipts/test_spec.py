"""The published formats and steps are those of the code."""

import re
from pathlib import Path

import pycddl
import pytest

from chain.lightclient import TrustedCheckpoint
from chain.primitives import cbor
from chain.receipts.steps import Step
from tests.chain.receipts.test_state import HELD
from tests.chain.receipts.world import handed_over

SPEC = Path(__file__).parents[3] / "docs" / "spec"
CDDL = (SPEC / "receipts.cddl").read_text()
PAGE = (SPEC / "receipts.md").read_text()


def test_the_cddl_is_well_formed_and_admits_a_checkpoint() -> None:
    """The validator at hand cannot follow arrays in arrays, so the receipts themselves are read."""
    chain = handed_over()
    receipt = chain.receipt(chain.paid[0])
    raw = TrustedCheckpoint(receipt.proof.header, chain.authorities).encode()
    schema = pycddl.Schema(f"start = checkpoint-file\n{CDDL}")
    schema.validate_cbor(raw)
    with pytest.raises(pycddl.ValidationError):
        schema.validate_cbor(receipt.encode())


@pytest.mark.parametrize("name", ["transaction-receipt", "state-receipt"])
def test_the_cddl_names_each_field_once(name: str) -> None:
    chain = handed_over()
    receipts = {
        "transaction-receipt": chain.receipt(chain.paid[0]).encode(),
        "state-receipt": chain.maker.state(HELD).encode(),
    }
    body = CDDL.split(f"{name} = [")[1].split("\n]")[0]
    lines = [line.split(";")[0].strip() for line in body.splitlines()]
    fields = cbor.decode(receipts[name])
    assert isinstance(fields, list)
    assert len([line for line in lines if line.endswith(",")]) == len(fields)
    assert f'"{fields[0]}",' in lines


def test_the_page_names_every_step_in_its_order() -> None:
    assert re.findall(r"^\| `([a-z]+)` \|", PAGE, re.MULTILINE) == list(Step)
