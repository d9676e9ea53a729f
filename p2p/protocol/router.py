"""The router: takes every fact to the one engine it concerns, and introduces engines to each other.

Engines never call one another. What one learns that another needs (a block imported, transactions
returned by a reorganisation, a peer banned) passes here. The router also keeps the scores, so that
enough `Penalize` becomes one `Disconnect` and a timed ban.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from chain.consensus.engine import Author
from chain.ledger import (
    BlockConnected,
    BlockDisconnected,
    HeadChanged,
    Ledger,
    LedgerEvent,
    TransactionAdded,
    TransactionDropped,
)
from p2p.peers.addressbook import AddressBook
from p2p.peers.bucket import TokenBucket
from p2p.peers.peer import PeerId, short
from p2p.peers.score import POINTS_FLOOD, Offence, ScoreBoard
from p2p.protocol.blocks import BlockExchange
from p2p.protocol.discovery import Connected, Discovery, DiscoverySettings
from p2p.protocol.effects import (
    CheckSignatures,
    Count,
    Disconnect,
    Effect,
    Notify,
    Penalize,
)
from p2p.protocol.gossip import Gossip
from p2p.protocol.instant import Now
from p2p.protocol.intake import Imported
from p2p.protocol.production import Production
from p2p.protocol.sync import HeaderSync
from p2p.protocol.wanted import Wanted
from p2p.wire.messages import (
    AnnounceBlock,
    AnnounceTransactions,
    Blocks,
    GetBlocks,
    GetHeaders,
    GetPeers,
    GetTransactions,
    Goodbye,
    Headers,
    Hello,
    Message,
    Peers,
    Ping,
    Pong,
    Transactions,
)

# An honest peer at 500 transactions a second sends about a hundred messages a second.
MESSAGES_RATE = 1000.0
MESSAGES_BURST = 5000.0
