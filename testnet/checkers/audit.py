"""The chains at the end of a run, and what the second validator says of their blocks."""

from dataclasses import dataclass
from functools import cached_property

from chain.block import Header, decode_block
from chain.primitives.errors import Refusal
from testnet.checkers.checker import Ending, FinalNode, Ground
from testnet.checkers.reference import Judgement, Reference


@dataclass(frozen=True, slots=True)
class Turned:
    """A block that an honest node refused as invalid."""

    node: str
    raw: bytes


class Audit:
    """What judges look at together; computed when the first of them asks."""

    def __init__(self, ground: Ground, ending: Ending) -> None:
        self._genesis = ground.genesis
        self._hostile = ground.hostile
        self._ending = ending
        self._headers: dict[bytes, Header] = {}
        self.unreadable: list[tuple[str, str]] = []  # (node, why)

    @cached_property
    def chains(self) -> tuple[FinalNode, ...]:
        """The honest nodes whose chains could be read."""
        found: list[FinalNode] = []
        for node in self._ending.nodes:
            if not node.honest or node.name in self._hostile or not node.blocks:
                continue
            try:
                for raw in node.blocks:
                    self.header(raw)
            except Refusal as refusal:
                self.unreadable.append((node.name, str(refusal)))
                continue
            found.append(node)
        return tuple(found)

    def header(self, raw: bytes) -> Header:
        """The header of an encoded block. Raises Refusal."""
        if raw not in self._headers:
            self._headers[raw] = decode_block(raw).header
        return self._headers[raw]

    @cached_property
    def refused(self) -> tuple[Turned, ...]:
        """The blocks that honest nodes refused; bytes that are no block were refused rightly."""
        honest = [turned for turned in self._ending.rejected if turned[0] not in self._hostile]
        return tuple(Turned(node, raw) for node, raw in honest if self._readable(raw))

    def _readable(self, raw: bytes) -> bool:
        try:
            self.header(raw)
        except Refusal:
            return False
        return True

    @cached_property
    def judgements(self) -> dict[bytes, Judgement]:
        """The second validator's word on each block, by its bytes, where it could be placed."""
        raws: dict[bytes, None] = {}
        for node in self.chains:
            raws.update(dict.fromkeys(node.blocks))
        raws.update((turned.raw, None) for turned in self.refused)
        return Reference(self._genesis).judge(raws)

    @cached_property
    def bad(self) -> tuple[tuple[Judgement, tuple[str, ...]], ...]:
        """The lowest bad block of each chain, with the nodes that have it on theirs."""
        found: dict[bytes, tuple[Judgement, tuple[str, ...]]] = {}
        for node in self.chains:
            lowest = self._lowest_bad(node)
            if lowest is not None:
                raw, judgement = lowest
                nodes = found[raw][1] if raw in found else ()
                found[raw] = (judgement, (*nodes, node.name))
        return tuple(found.values())

    def _lowest_bad(self, node: FinalNode) -> tuple[bytes, Judgement] | None:
        for height, raw in enumerate(node.blocks):
            judgement = self.judgements.get(raw)
            if judgement is None:
                block = self.header(raw).id
                reason = "it does not lead down to the block of the genesis"
                return raw, Judgement(block, height, "unknown-parent", reason)
            if not judgement.good:
                return raw, judgement
        return None
