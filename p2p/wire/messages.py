"""The messages of the peer protocol: frozen values, each a CBOR array `[kind, field, ...]`.

Rules:
- A closed union; an unknown kind is malformed. *Why:* the hello agrees on a version, so nobody
  sends one in good faith, and the type checker finds the message that an engine forgot.
- Ids are packed into one byte string. *Why:* they are most of what is said, and cost a quarter of
  an array of byte strings to check.
- Transactions, blocks and headers stay raw bytes. *Why:* they are judged in the order that costs
  least (known by hash, before anything is decoded) and passed on as they came.
- Text is printable. *Why:* it ends in logs and on terminals.
- Every count and length has its maximum beside its message; what exceeds one is malformed, for no
  honest node sends it. Budgets over time are the engines'.

Here is the union; each concept has a module beside this one. Each class has `fields()`, what
follows the kind, and `from_fields`, which raises Malformed.
Spec: docs/spec/peer-protocol.md.
"""

from chain.finalproof import HANDOVER_BYTES_MAX
from p2p.wire.blocks import (
    BLOCK_WIRE_BYTES_MAX,
    BLOCKS_REQUEST_MAX,
    AnnounceBlock,
    Blocks,
    GetBlocks,
)
from p2p.wire.compact import (
    ID_BYTES,
    MISSING_MAX,
    NONCE_MAX,
    PREFILLED_BYTES_MAX,
    PREFILLED_MAX,
    SHORT_IDS_MAX,
    BlockTransactions,
    CompactBlock,
    GetBlockTransactions,
    GetCompactBlock,
    PreferBlocks,
)
from p2p.wire.control import (
    AGENT_MAX,
    CODE_MAX,
    NETWORK_MAX,
    PROTOCOL_VERSION,
    REASON_MAX,
    Goodbye,
    Hello,
    Ping,
    Pong,
)
from p2p.wire.discovery import RECORDS_MAX, GetPeers, Peers
from p2p.wire.lanes import Lane
from p2p.wire.light import HANDOVERS_SENT_MAX, Final, GetFinal
from p2p.wire.records import CAPABILITIES_MAX, CAPABILITY_MAX, RECORD_BYTES_MAX
from p2p.wire.sync import HEADERS_MAX, LOCATOR_MAX, GetHeaders, Headers
from p2p.wire.transactions import (
    BUCKETS,
    IDS_MAX,
    LEASE_MAX,
    SHORT_KEY_BYTES,
    SUM_BYTES,
    TRANSACTIONS_MAX,
    AnnounceShort,
    AnnounceTransactions,
    Differ,
    Eager,
    GetShort,
    GetTransactions,
    Reconcile,
    ShortKey,
    Transactions,
)
from p2p.wire.votes import (
    CERTIFICATES_SENT_MAX,
    VOTE_BYTES_MAX,
    VOTES_MAX,
    Certificates,
    Votes,
)

__all__ = [
    "AGENT_MAX",
    "BLOCKS_REQUEST_MAX",
    "BLOCK_WIRE_BYTES_MAX",
    "BUCKETS",
    "CAPABILITIES_MAX",
    "CAPABILITY_MAX",
    "CERTIFICATES_SENT_MAX",
    "CODE_MAX",
    "HANDOVERS_SENT_MAX",
    "HANDOVER_BYTES_MAX",
    "HEADERS_MAX",
    "IDS_MAX",
    "ID_BYTES",
    "LEASE_MAX",
    "LOCATOR_MAX",
    "MISSING_MAX",
    "NETWORK_MAX",
    "NONCE_MAX",
    "PREFILLED_BYTES_MAX",
    "PREFILLED_MAX",
    "PROTOCOL_VERSION",
    "REASON_MAX",
    "RECORDS_MAX",
    "RECORD_BYTES_MAX",
    "SHORT_IDS_MAX",
    "SHORT_KEY_BYTES",
    "SUM_BYTES",
    "TRANSACTIONS_MAX",
    "VOTES_MAX",
    "VOTE_BYTES_MAX",
    "AnnounceBlock",
    "AnnounceShort",
    "AnnounceTransactions",
    "BlockTransactions",
    "Blocks",
    "Certificates",
    "CompactBlock",
    "Differ",
    "Eager",
    "Final",
    "GetBlockTransactions",
    "GetBlocks",
    "GetCompactBlock",
    "GetFinal",
    "GetHeaders",
    "GetPeers",
    "GetShort",
    "GetTransactions",
    "Goodbye",
    "Headers",
    "Hello",
    "Lane",
    "Message",
    "Peers",
    "Ping",
    "Pong",
    "PreferBlocks",
    "Reconcile",
    "ShortKey",
    "Transactions",
    "Votes",
]

Message = (
    Hello
    | Goodbye
    | Ping
    | Pong
    | GetPeers
    | Peers
    | AnnounceTransactions
    | GetTransactions
    | Transactions
    | AnnounceBlock
    | GetBlocks
    | Blocks
    | GetHeaders
    | Headers
    | Eager
    | ShortKey
    | AnnounceShort
    | GetShort
    | Reconcile
    | Differ
    | CompactBlock
    | GetCompactBlock
    | GetBlockTransactions
    | BlockTransactions
    | PreferBlocks
    | Votes
    | Certificates
    | GetFinal
    | Final
)
