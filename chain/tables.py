"""The tables of the store: one leading byte each, then the key.

Numbers in keys are big-endian, so that the order of keys is the order of numbers.
"""

from chain.primitives.hashing import Hash

BLOCK = b"b"  # block id -> encoded block
META = b"m"  # block id -> header, seal, weight and what else the header tree knows
HEIGHT = b"h"  # height -> block id, on the head's chain
TRANSACTION = b"t"  # txid -> block id, index; on the head's chain
ACCOUNT = b"a"  # identity, height, index -> txid; on the head's chain
RECEIPTS = b"r"  # block id -> receipts, while on the head's chain
UNDO = b"u"  # block id -> the values its execution replaced, while on the head's chain
STATE = b"s"  # state key -> value, at the head
PAGE = b"p"  # tree page -> its slots, at the head
TIP = b"l"  # block id of a block without accepted children -> empty
SLOT = b"o"  # author, slot -> ids of that author's blocks in that slot
HEAD = b"c/head"
GENESIS = b"c/genesis"
SET = b"k"  # hash of an authority set -> the set, decided by a block that was executed
SET_ID = b"i"  # number of an authority set -> its hash, once it is in force on some chain
HEARD = b"v"  # vote key -> the highest source and target seen signed by it
VOTE_GUARD = b"g"  # vote key of ours -> the highest source and target signed here
HANDOVER = b"j"  # number of an authority set -> what made it take over: block id, certificate
RECOVERY = b"y"  # block id -> recovery that begins there, loaded by hand
FINALITY = b"c/finality"  # what is final and justified, and certificates for blocks to come
FORMAT = b"c/format"  # which format of these tables the store has
GUARD = b"c/guard"  # the highest slot this node has proposed a block for

FORMAT_VERSION = b"2"  # 2: header rows say how finality stands
HEIGHT_BYTES = 8
HEIGHT_MAX = 2 ** (8 * HEIGHT_BYTES) - 1
INDEX_BYTES = 4
INDEX_MAX = 2 ** (8 * INDEX_BYTES) - 1


def height_key(height: int) -> bytes:
    """The key of a height."""
    return HEIGHT + height.to_bytes(HEIGHT_BYTES, "big")


def account_key(identity: bytes, height: int, index: int) -> bytes:
    """The key of one transaction in an identity's history."""
    place = height.to_bytes(HEIGHT_BYTES, "big") + index.to_bytes(INDEX_BYTES, "big")
    return ACCOUNT + identity + place


def account_place(key: bytes) -> tuple[int, int]:
    """Height and index in a key of an identity's history."""
    height = key[-HEIGHT_BYTES - INDEX_BYTES : -INDEX_BYTES]
    return int.from_bytes(height, "big"), int.from_bytes(key[-INDEX_BYTES:], "big")


def slot_key(author: bytes, slot: int) -> bytes:
    """The key of an author's blocks in a slot."""
    return SLOT + author + slot.to_bytes(8, "big")


def set_id_key(set_id: int) -> bytes:
    """The key of an authority set's number."""
    return SET_ID + set_id.to_bytes(8, "big")


def handover_key(set_id: int) -> bytes:
    """The key of what made a set take over."""
    return HANDOVER + set_id.to_bytes(8, "big")


def place(block_id: Hash, index: int) -> bytes:
    """The value of a transaction's row."""
    return block_id + index.to_bytes(INDEX_BYTES, "big")
