"""What clients send to a node's API, and what a node may answer a client, for the fuzzer."""

from chain.primitives import cbor
from chain.primitives.did import format_did, parse_did
from chain.primitives.errors import Malformed, Refusal
from chain.state.paths import format_path, parse_path
from p2p.api.finality_views import FinalityView
from p2p.api.governance_views import AuthoritiesView, ParametersView, ProposalsView
from p2p.api.json_codec import WrongJson, decode_json, encode_json
from p2p.api.problems import Problem
from p2p.api.receipt_views import HandoversView, handover_view, read_handover
from p2p.api.requests import read_json, read_sequence
from p2p.api.views import (
    AccountHistoryView,
    AccountView,
    BalanceView,
    BlocksView,
    BlockView,
    CountersView,
    CounterView,
    DatasetView,
    Included,
    PeersView,
    PeerView,
    ProblemView,
    ProofView,
    StatusView,
    SubmitsView,
    SubmitView,
    TransactionView,
    TransferBody,
)
from tests.chain.founding import transfer
from tests.chain.receipts.world import handed_over
from tests.chain.transactions.world import did

NETWORK = "test"
VIEWS: tuple[type, ...] = (
    *(AccountHistoryView, AccountView, AuthoritiesView, BlocksView, BlockView, CountersView),
    *(DatasetView, FinalityView, HandoversView, ParametersView, PeersView, ProblemView),
    *(ProofView, ProposalsView, StatusView, SubmitsView, SubmitView, TransactionView),
)
RAW = transfer(0).raw
JSON_BODIES = (
    encode_json({"raw": RAW.hex()}),
    encode_json([{"raw": RAW.hex()}, RAW.hex(), "AAAA"]),
)
SEQUENCES = (cbor.encode(RAW) * 2,)
HELD = (BalanceView("CNY", 1, 2),)
ACCOUNT = AccountView("did:x", None, True, 1, ("member",), "active", 1, None, HELD, (), ())
BLOCK = BlockView(
    *("aa", 1, 2, 3, "bb", "did:x", "", "cc", "dd", "ee", "ff", "00", 5),
    canonical=True,
    finalized=False,
    transaction_count=1,
    transactions=(Included("aa", None, ""),),
)
SHOWN = tuple(
    encode_json(view)
    for view in (
        PeersView((PeerView("aa", "ws://a:1", "in", "agent", 3, "bb", 1.5, None, 0, 1, 2),)),
        TransactionView(
            "aa", "pending", "k", "did:x", "cc", 0, 1, 2, 3, TransferBody("CNY", "x", 5, ""), "dd"
        ),
        SubmitsView(1, (SubmitView(None, "refused", "c", "r", 0, 0, 0),)),
        CountersView((CounterView("a", "b", 1),)),
        ACCOUNT,
        BLOCK,
        HandoversView(1, (handover_view(handed_over().on.handovers.of(1)),)),
    )
)
DIDS = tuple(format_did(NETWORK, did(name)).encode() for name in ("alice", "bob"))
PATHS = tuple(
    form.encode()
    for form in (
        f"did/{DIDS[0].decode()}",
        f"seq/{DIDS[0].decode()}/15",
        f"bal/CNY/{DIDS[1].decode()}",
        f"gov/vote/{'ab' * 32}/{DIDS[1].decode()}",
        "gov/param/block_bytes_max",
        f"ev/{'ab' * 32}",
        "set/since",
    )
)


def json_body(data: bytes) -> bool:
    """Transactions in JSON."""
    try:
        raws, many = read_json(data)
    except (Malformed, Problem):
        return False
    assert many or len(raws) == 1
    return True


def sequence_body(data: bytes) -> bool:
    """Transactions in a CBOR sequence; what is taken encodes to the same."""
    try:
        raws = read_sequence(data)
    except (Malformed, Problem):
        return False
    assert b"".join(map(cbor.encode, raws)) == data
    return True


def a_did(data: bytes) -> bool:
    """A DID has one text."""
    text = data.decode(errors="surrogateescape")
    try:
        identifier = parse_did(text, NETWORK)
    except Malformed:
        return False
    assert format_did(NETWORK, identifier) == text
    return True


def a_path(data: bytes) -> bool:
    """A key's text leads to the key, and its text back to it."""
    try:
        key = parse_path(data.decode(errors="surrogateescape"), NETWORK)
    except Malformed:
        return False
    assert parse_path(format_path(key, NETWORK), NETWORK) == key
    return True


def an_answer(data: bytes) -> bool:
    """What a node answers, read as each of the views; what is one is so again."""
    fitting = [kind for kind in VIEWS if _is(kind, data)]
    return bool(fitting)


def _is(kind: type, data: bytes) -> bool:
    try:
        view = decode_json(kind, data)
    except WrongJson:
        return False
    assert decode_json(kind, encode_json(view)) == view
    if isinstance(view, HandoversView):
        for each in view.handovers:
            try:
                read_handover(each)
            except Refusal:
                return False
    return True
