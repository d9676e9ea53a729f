"""Blocks that a node of a testnet has refused, kept in its folder for the reference validator."""

from collections.abc import Callable
from pathlib import Path

from chain.block import Block, encode_block

FILE = "refused.hex"


def keeper(folder: Path) -> Callable[[Block], None]:
    """Writes blocks down, one in hex a line."""

    def keep(block: Block) -> None:
        with (folder / FILE).open("a") as file:
            file.write(encode_block(block).hex() + "\n")

    return keep


def read_refused(folder: Path) -> tuple[bytes, ...]:
    """The blocks in a node's folder; a last line that was cut off by a kill is left out."""
    try:
        lines = (folder / FILE).read_text("ascii").split("\n")[:-1]
    except OSError:
        return ()
    return tuple(bytes.fromhex(line) for line in lines)
