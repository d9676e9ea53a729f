"""Views to JSON and back, and what a wrong answer is told."""

import re

import pytest

from p2p.api.json_codec import WrongJson, decode_json, encode_json
from p2p.api.views import (
    BalanceView,
    PeersView,
    PeerView,
    PublishBody,
    SubmitView,
    TransactionView,
    TransferBody,
)

PEER = PeerView("aa", "ws://x:1", "in", "agent", 3, "bb", 1.5, None, 0, 1, 2)
TRANSFER = TransferBody("CNY", "did:x", 5, "")
PUBLISH = PublishBody("t", "aa", "bb", "text/plain", 3, "s", ())


@pytest.mark.parametrize("body", [TRANSFER, PUBLISH])
def test_views_come_back_as_they_were(body: TransferBody | PublishBody) -> None:
    view = TransactionView("aa", "pending", "k", "did:x", "cc", 0, 1, 2, 3, body, "dd")
    assert decode_json(TransactionView, encode_json(view)) == view
    assert decode_json(PeersView, encode_json(PeersView((PEER, PEER)))) == PeersView((PEER, PEER))


def test_a_whole_number_is_a_fraction_too_and_new_fields_are_ignored() -> None:
    text = encode_json(PEER).replace(b"1.5", b"2").replace(b"{", b'{"new": [1], ')
    assert decode_json(PeerView, text).connected_s == 2.0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[%s]" % (b"9" * 41), "not JSON"),
        (b"[%s]" % (b"9" * 40), "expected an object"),
        (b"NaN", "not JSON"),
        (b"-Infinity", "not JSON"),
        (b"1e999", "not JSON"),
        (b'{"code": "\\ud800", "amount": 5, "decimals": 2}', "BalanceView.code: expected str"),
        (b"[]", "expected an object"),
        (b"{}", "without code, amount, decimals"),
        (b'{"code": "CNY", "amount": "5", "decimals": 2}', "BalanceView.amount: expected int"),
        (b'{"code": "CNY", "amount": true, "decimals": 2}', "BalanceView.amount: expected int"),
        (b'{"code": null, "amount": 5, "decimals": 2}', "BalanceView.code: expected str"),
    ],
)
def test_what_is_no_such_view(text: bytes, why: str) -> None:
    with pytest.raises(WrongJson, match=re.escape(why)):
        decode_json(BalanceView, text)


def test_lists_and_nulls() -> None:
    with pytest.raises(WrongJson, match=r"PeersView\.peers: expected a list"):
        decode_json(PeersView, b'{"peers": {}}')
    with pytest.raises(WrongJson, match=re.escape("PeersView.peers[0]: expected an object")):
        decode_json(PeersView, b'{"peers": [1]}')
    verdict = decode_json(
        SubmitView,
        b'{"id":null,"status":"refused","code":"c","reason":"r",'
        b'"pushed":0,"announced":0,"queued":0}',
    )
    assert verdict.id is None
