"""Connections: accepting, dialling, admitting, reading; one task each, and none can hurt another.

Everything here waits; nothing here decides. Links of the transport become secure connections that
have exchanged hellos; `Sessions` says which of them stay; what they bring goes to the node.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import trio

from chain.ledger import Ledger
from chain.primitives.errors import Refusal
from chain.primitives.keys import KeyPair
from p2p.clock import Clock
from p2p.config import NodeConfig
from p2p.net.connection import Connection, Tap
from p2p.net.transport import Link, LinkClosed, Listener, Transport
from p2p.observer import Observer
from p2p.peers.peer import PeerId, short
from p2p.sessions import Session, Sessions
from p2p.wire.messages import Hello, Message
from p2p.wire.records import PeerRecord

# A handshake costs us a millisecond of key agreement; this many at once bound what a flood of
# half-open links can hold, and are far more than an honest network needs after a restart.
HANDSHAKES_MAX = 64
HANDSHAKE_S = 5.0
DIAL_S = 5.0
