"""Strategies for every message, and an example of each."""

import random

from hypothesis import strategies as st

from chain.block import HEADER_BYTES_MAX, SEAL_BYTES_MAX
from chain.primitives.hashing import Hash
from chain.primitives.printable import is_printable
from p2p.wire.fields import REQUEST_MAX, SHORT_BYTES, Short
from p2p.wire.messages import (
    AGENT_MAX,
    BUCKETS,
    CAPABILITIES_MAX,
    CAPABILITY_MAX,
    CODE_MAX,
    HANDOVERS_SENT_MAX,
    HEADERS_MAX,
    ID_BYTES,
    LEASE_MAX,
    NETWORK_MAX,
    NONCE_MAX,
    REASON_MAX,
    RECORD_BYTES_MAX,
    SHORT_KEY_BYTES,
    SUM_BYTES,
    VOTE_BYTES_MAX,
    AnnounceBlock,
    AnnounceShort,
    AnnounceTransactions,
    Blocks,
    BlockTransactions,
    Certificates,
    CompactBlock,
    Differ,
    Eager,
    Final,
    GetBlocks,
    GetBlockTransactions,
    GetCompactBlock,
    GetFinal,
    GetHeaders,
    GetPeers,
    GetShort,
    GetTransactions,
    Goodbye,
    Headers,
    Hello,
    Message,
    Peers,
    Ping,
    Pong,
    PreferBlocks,
    Reconcile,
    ShortKey,
    Transactions,
    Votes,
)

UINT64 = st.integers(0, 2**64 - 1)
UINT63 = st.integers(0, 2**63 - 1)
REQUEST = st.integers(0, REQUEST_MAX)
HASH = st.binary(min_size=32, max_size=32).map(Hash)
SHORTS = st.lists(st.binary(min_size=SHORT_BYTES, max_size=SHORT_BYTES).map(Short), max_size=8).map(
    tuple
)
SUMS = st.sampled_from([b"", bytes(BUCKETS * SUM_BYTES)])
HASHES = st.lists(HASH, max_size=8).map(tuple)
BLOBS = st.lists(st.binary(max_size=300), max_size=8).map(tuple)
HEADER = st.binary(max_size=HEADER_BYTES_MAX)
SEAL = st.binary(max_size=SEAL_BYTES_MAX)
PLACES = st.lists(st.integers(0, 2**24 - 1), max_size=8, unique=True).map(sorted).map(tuple)
SHORT_IDS = st.lists(st.binary(min_size=ID_BYTES, max_size=ID_BYTES), min_size=1, max_size=8)


def text(maximum: int) -> st.SearchStrategy[str]:
    """Printable text."""
    return st.text(max_size=maximum).filter(is_printable)


HELLO = st.builds(
    Hello,
    version_min=UINT64,
    version_max=UINT64,
    network=text(NETWORK_MAX),
    genesis=HASH,
    capabilities=st.lists(text(CAPABILITY_MAX), max_size=CAPABILITIES_MAX).map(tuple),
    record=st.binary(max_size=RECORD_BYTES_MAX),
    height=UINT64,
    head=HASH,
    finalized_height=UINT64,
    finalized=HASH,
    agent=text(AGENT_MAX),
)
MESSAGE: st.SearchStrategy[Message] = st.one_of(
    HELLO,
    st.builds(Goodbye, code=text(CODE_MAX), reason=text(REASON_MAX)),
    st.builds(Ping, nonce=UINT64),
    st.builds(Pong, nonce=UINT64),
    st.builds(GetPeers, request=REQUEST),
    st.builds(Peers, request=REQUEST, records=BLOBS),
    st.builds(AnnounceTransactions, ids=HASHES),
    st.builds(GetTransactions, request=REQUEST, ids=HASHES),
    st.builds(Transactions, request=REQUEST, raws=BLOBS),
    st.builds(AnnounceBlock, header=HEADER, seal=SEAL),
    st.builds(GetBlocks, request=REQUEST, ids=HASHES),
    st.builds(Blocks, request=REQUEST, raws=BLOBS),
    st.builds(GetHeaders, request=REQUEST, locator=HASHES, limit=st.integers(0, HEADERS_MAX)),
    st.builds(Eager, lease_s=st.integers(0, LEASE_MAX)),
    st.builds(ShortKey, key=st.binary(min_size=SHORT_KEY_BYTES, max_size=SHORT_KEY_BYTES)),
    st.builds(AnnounceShort, ids=SHORTS),
    st.builds(GetShort, request=REQUEST, ids=SHORTS),
    st.builds(Reconcile, sums=SUMS),
    st.builds(Differ, buckets=st.integers(0, 2**BUCKETS - 1), more=st.booleans()),
    st.builds(
        Headers, request=REQUEST, headers=st.lists(st.tuples(HEADER, SEAL), max_size=8).map(tuple)
    ),
    st.builds(
        CompactBlock,
        header=HEADER,
        seal=SEAL,
        certificates=BLOBS,
        nonce=st.integers(0, NONCE_MAX),
        short_ids=SHORT_IDS.map(tuple),
        places=st.just((0,)),
        prefilled=st.binary(max_size=300).map(lambda raw: (raw,)),
    ),
    st.builds(GetCompactBlock, block=HASH),
    st.builds(Votes, raws=st.lists(st.binary(max_size=VOTE_BYTES_MAX), max_size=8).map(tuple)),
    st.builds(Certificates, raws=BLOBS),
    st.builds(GetBlockTransactions, request=REQUEST, block=HASH, places=PLACES),
    st.builds(BlockTransactions, request=REQUEST, raws=BLOBS),
    st.builds(PreferBlocks, preferred=st.booleans()),
    st.builds(GetFinal, request=REQUEST, set_id=UINT63, height=UINT63),
    st.builds(
        Final,
        request=REQUEST,
        handovers=st.lists(st.binary(max_size=300), max_size=HANDOVERS_SENT_MAX).map(tuple),
        header=st.binary(max_size=HEADER_BYTES_MAX),
        certificate=st.binary(max_size=500),
    ),
)


def example_hello(**changes: object) -> Hello:
    """A hello of a node on the network "test"."""
    values: dict[str, object] = {
        "version_min": 1,
        "version_max": 1,
        "network": "test",
        "genesis": Hash(b"g" * 32),
        "capabilities": ("blocks/1", "transactions/1"),
        "record": b"record",
        "height": 7,
        "head": Hash(b"h" * 32),
        "finalized_height": 3,
        "finalized": Hash(b"f" * 32),
        "agent": "cornerstone/0.1.0",
    }
    return Hello(**(values | changes))  # type: ignore[arg-type]


def examples() -> list[Message]:
    """One of each kind, in order of kind; the vectors of the specification."""
    rng = random.Random(0)
    one, two = (Hash(bytes([n]) * 32) for n in (1, 2))
    return [
        example_hello(),
        Goodbye("wrong-network", "this node is on network 'a', its peer on 'b'"),
        Ping(2**63 - 1),
        Pong(24),
        GetPeers(1),
        Peers(1, (b"record",)),
        AnnounceTransactions((one, two)),
        GetTransactions(2, (one,)),
        Transactions(2, (rng.randbytes(20),)),
        AnnounceBlock(rng.randbytes(10), rng.randbytes(4)),
        GetBlocks(3, (two,)),
        Blocks(3, (rng.randbytes(30),)),
        GetHeaders(4, (two, one), 100),
        Headers(4, ((rng.randbytes(10), rng.randbytes(4)),)),
        Eager(30),
        ShortKey(rng.randbytes(SHORT_KEY_BYTES)),
        AnnounceShort((Short(bytes(range(8))), Short(bytes(range(8, 16))))),
        GetShort(5, (Short(bytes(range(8))),)),
        Reconcile(rng.randbytes(BUCKETS * SUM_BYTES)),
        Differ(1 << 63 | 5, False),
        *_compact_examples(random.Random(20), one),
        Votes((random.Random(30).randbytes(20),)),
        Certificates((random.Random(31).randbytes(30),)),
        GetFinal(6, 2, 1042),
        Final(6, (b"first handover", b"second"), b"header", b"certificate"),
    ]


def _compact_examples(rng: random.Random, block: Hash) -> list[Message]:
    short_ids = (rng.randbytes(ID_BYTES), rng.randbytes(ID_BYTES))
    header, seal, raw = rng.randbytes(10), rng.randbytes(4), rng.randbytes(20)
    return [
        CompactBlock(header, seal, (), 2**40 + 1, short_ids, (1,), (raw,)),
        GetCompactBlock(block),
        GetBlockTransactions(5, block, (0, 2)),
        BlockTransactions(5, (rng.randbytes(20), rng.randbytes(20))),
        PreferBlocks(True),
    ]
