"""Whether two nodes can talk: a judgement on two hellos, the same on both sides. No I/O."""

from p2p.wire.messages import Goodbye, Hello


def compatible(ours: Hello, theirs: Hello) -> Goodbye | None:
    """None when they fit; otherwise what to part with, naming both values.

    Codes: "wrong-network", "wrong-genesis", "wrong-version". Whether a peer is the node
    itself, or a duplicate, depends on identities and connections; `p2p.sessions` judges that.
    """
    if ours.network != theirs.network:
        return Goodbye(
            "wrong-network",
            f"this node is on network {ours.network!r}, its peer on {theirs.network!r}",
        )
    if ours.genesis != theirs.genesis:
        return Goodbye(
            "wrong-genesis",
            f"this node's genesis is {ours.genesis.hex()}, its peer's {theirs.genesis.hex()}",
        )
    if ours.version_max < theirs.version_min or theirs.version_max < ours.version_min:
        return Goodbye(
            "wrong-version",
            f"this node speaks versions {ours.version_min} to {ours.version_max}, "
            f"its peer {theirs.version_min} to {theirs.version_max}",
        )
    return None
