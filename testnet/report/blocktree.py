"""The block tree: the chain that won in a line, every fork beneath it, who ended where.

Heights where nothing parted are folded away, so that a fork of two blocks is as plain to see in
a run of a thousand as in one of twenty.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from testnet.outcome import Verdict, Violation
from testnet.report.branches import MAIN, Branch, Tree
from testnet.report.lane_layout import colour
from testnet.report.svg import line, number, picture, tag, text, title
from testnet.report.trace import Block, Trace
from testnet.report.words import clock, counted, nodes_text, short

COLUMNS_MAX = 48
"""Heights drawn: as many as fit the width of a page with STEP_MIN each."""

ROWS_MAX = 10
NEAR = (10, 6, 4, 2)
"""Heights drawn on both sides of the ends of a branch; the first that fits is taken."""

STEP_MIN, STEP_MAX, FOLD_STEP = 18.0, 30.0, 44
FOLDS_OVER = 2
WIDTH = 1_160
ROW = 46
LEFT, TOP = 30, 44
TIPS_WIDTH = 230


@dataclass(frozen=True, slots=True)
class Plan:
    """Where each drawn height and branch is; `folds` are (x, how many heights are left out)."""

    x: dict[int, float]
    folds: tuple[tuple[float, int], ...]
    rows: dict[int, int]
    left_out: int
    width: float
    step: float

    def y(self, row: int) -> float:
        """The middle of a row."""
        return TOP + row * ROW


def blocktree(trace: Trace, tree: Tree, violation: Violation | None) -> str:
    """The whole drawing; empty for a run without blocks."""
    if not tree.branches[MAIN].blocks:
        return ""
    plan = plan_of(tree, violation)
    drawn = [branch for branch in tree.branches if branch.number in plan.rows]
    content = "".join(
        [
            *_heights(plan),
            *(part for branch in drawn for part in _links(branch, trace, tree, plan)),
            *_folds(plan),
            *(part for branch in drawn for part in _blocks(branch, tree, plan, violation)),
            *_tips(trace, tree, plan),
        ]
    )
    rows = max(plan.rows.values(), default=0) + 1
    height = TOP + rows * ROW + (14 if plan.left_out else -8)
    if plan.left_out:
        words = f"not drawn: {counted(plan.left_out, 'shorter branch', 'shorter branches')}"
        content += text(LEFT, height - 6, words, class_="soft")
    about = (
        f"{counted(len(trace.blocks), 'block')}, {counted(len(tree.forks), 'fork')},"
        f" the longest of {counted(max((len(f.blocks) for f in tree.forks), default=0), 'block')}"
    )
    return picture(
        plan.width, height, "The block tree", about, content, class_="tree",
        style=f"width:{number(plan.width)}px",
    )  # fmt: skip


def plan_of(tree: Tree, violation: Violation | None) -> Plan:
    """Chooses heights and rows."""
    rows = rows_of(tree)
    drawn = [branch for branch in tree.branches if branch.number in rows]
    main = tree.branches[MAIN].blocks
    heights = heights_of(drawn, violation)
    step = min(max((WIDTH - LEFT - TIPS_WIDTH) / len(heights), STEP_MIN), STEP_MAX)
    x, folds, at = dict[int, float](), list[tuple[float, int]](), float(LEFT)
    last = main[0].height - 1
    for height in heights:
        if height > last + 1:
            folds.append((at + (FOLD_STEP - step) / 2, height - last - 1))
            at += FOLD_STEP
        x[height] = at
        at += step
        last = height
    return Plan(
        x=x,
        folds=tuple(folds),
        rows=rows,
        left_out=len(tree.branches) - len(rows),
        width=at + TIPS_WIDTH,
        step=step,
    )


def rows_of(tree: Tree) -> dict[int, int]:
    """A row for each branch, the winner's on top; branches share one where heights allow it."""
    rows = {MAIN: 0}
    ends = list[list[tuple[int, int]]]()
    for branch in tree.forks:
        low, high = branch.blocks[0].height - 1, branch.blocks[-1].height + 6
        free = (
            place
            for place, taken in enumerate(ends)
            if all(high < begin or end < low for begin, end in taken)
        )
        place = next(free, len(ends))
        if place == len(ends):
            if len(ends) == ROWS_MAX:
                continue
            ends.append([])
        ends[place].append((low, high))
        rows[branch.number] = place + 1
    return rows


def heights_of(drawn: Sequence[Branch], violation: Violation | None) -> list[int]:
    """The heights worth drawing, with as much around them as there is room for."""
    low = drawn[MAIN].blocks[0].height
    high = max(branch.blocks[-1].height for branch in drawn)
    if high - low < COLUMNS_MAX:
        return list(range(low, high + 1))
    found = list[int]()
    for near in NEAR:
        wanted = _wanted(drawn, violation, near)
        found = _filled([height for height in sorted(wanted) if low <= height <= high])
        if len(found) <= COLUMNS_MAX:
            break
    return found


def _conflicting(violation: Violation | None) -> int:
    """The height a safety finding is about, otherwise 0: others only tell how far a chain was."""
    if violation is None or violation.verdict is not Verdict.SAFETY:
        return 0
    return violation.height


def _filled(heights: Sequence[int]) -> list[int]:
    """The same with gaps closed that are no wider than what would stand for them."""
    found = list[int]()
    for height in heights:
        if found and height - found[-1] - 1 <= FOLDS_OVER:
            found += range(found[-1] + 1, height)
        found.append(height)
    return found


def _wanted(drawn: Sequence[Branch], violation: Violation | None, near: int) -> dict[int, None]:
    """The ends of the chain and of forks, and the finding's; forks only while there is room."""
    main = drawn[MAIN].blocks
    low, high = main[0].height, main[-1].height
    wanted = dict.fromkeys((low, low + 1, high - 1, high))
    if height := _conflicting(violation):
        wanted |= dict.fromkeys(_around(height, near))
    for branch in drawn[1:]:
        ends = (branch.blocks[0].height, branch.blocks[-1].height)
        more = wanted | dict.fromkeys(height for end in ends for height in _around(end, near))
        if len(more) <= COLUMNS_MAX or near > NEAR[-1]:
            wanted = more
    return wanted


def _around(height: int, near: int) -> range:
    return range(height - near, height + near + 1)


def _heights(plan: Plan) -> Iterator[str]:
    every = 5 if len(plan.x) > 24 else 2 if len(plan.x) > 12 else 1
    for height, x in plan.x.items():
        if height % every == 0:
            yield text(x, 14, str(height), class_="soft", text_anchor="middle")


def _folds(plan: Plan) -> Iterator[str]:
    for x, count in plan.folds:
        yield text(x, 14, f"+{count:,}", class_="soft", text_anchor="middle")
        yield text(x, TOP + 4, "···", class_="soft fold", text_anchor="middle")


def _links(branch: Branch, trace: Trace, tree: Tree, plan: Plan) -> Iterator[str]:
    """The line of a branch, and the curve from the block it forks off."""
    drawn = [block for block in branch.blocks if block.height in plan.x]
    if not drawn:
        return
    shade, y = shade_of(branch, tree), plan.y(plan.rows[branch.number])
    yield line(plan.x[drawn[0].height], y, plan.x[drawn[-1].height], y, class_=f"link s{shade}")
    parent = trace.blocks.get(branch.parent)
    above = tree.branch_of.get(branch.parent)
    if parent is None or above not in plan.rows or branch.number == MAIN:
        return
    x1, x2 = plan.x.get(parent.height), plan.x[drawn[0].height]
    if x1 is not None:
        y1 = plan.y(plan.rows[above])
        bend = x1 + plan.step * 0.5
        path = f"M{x1:.1f} {y1:.1f}C{bend:.1f} {y1:.1f} {x1:.1f} {y:.1f} {x2:.1f} {y:.1f}"
        yield tag("path", d=path, class_=f"link s{shade}")


def _blocks(branch: Branch, tree: Tree, plan: Plan, violation: Violation | None) -> Iterator[str]:
    shade, y = shade_of(branch, tree), plan.y(plan.rows[branch.number])
    for block in branch.blocks:
        if (x := plan.x.get(block.height)) is None:
            continue
        if block.height and _conflicting(violation) == block.height:
            yield tag("circle", cx=x, cy=y, r=12, class_="conflict")
        words = title(block_title(block))
        yield tag(
            "circle", words, cx=x, cy=y, r=min(7, plan.step / 2 - 2.5), class_=f"block c{shade}"
        )


def block_title(block: Block) -> str:
    """A block for those who point at it."""
    return (
        f"block {short(block.id)}, height {block.height}, slot {block.slot}:"
        f" {counted(block.transactions, 'transaction')}, first at {block.origin},"
        f" {clock(block.first_s)}"
    )


def shade_of(branch: Branch, tree: Tree) -> int:
    """The colour number of a branch."""
    return colour(tree, branch.blocks[0].id)


def _tips(trace: Trace, tree: Tree, plan: Plan) -> Iterator[str]:
    """Who ended on each branch, or who left it; behind its last block."""
    ended = dict[int, list[str]]()
    for node, head in trace.heads.items():
        ended.setdefault(tree.branch_of.get(head, MAIN), []).append(node)
    left = dict[int, dict[str, None]]()
    for each in trace.reorganisations:
        left.setdefault(tree.branch_of.get(each.old, MAIN), {})[each.node] = None
    for branch in tree.branches:
        if branch.number not in plan.rows:
            continue
        x = plan.x.get(branch.blocks[-1].height)
        if x is None:
            continue
        y = plan.y(plan.rows[branch.number])
        words = _tip_words(branch, ended.get(branch.number, []), list(left.get(branch.number, {})))
        for place, word in enumerate(words):
            yield text(x + 14, y + 4 + 13 * place, word, class_="tip" if not place else "soft")


def _tip_words(branch: Branch, ended: list[str], left: list[str]) -> list[str]:
    words = []
    if ended:
        words.append(f"{nodes_text(ended)} ended here")
    if left and branch.number != MAIN:
        words.append(f"{nodes_text(left)} left it")
    if branch.number != MAIN:
        words.append(counted(len(branch.blocks), "block"))
    return words[:2]
