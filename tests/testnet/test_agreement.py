"""The common height of chains that fork anywhere, found by asking as few questions as promised."""

import pytest

from testnet.agreement import ChainView, Witness, agree

Chain = list[str]


def witness(name: str, chain: Chain, asked: list[int], silent: bool = False) -> Witness:
    async def view() -> ChainView | None:
        if silent:
            return None
        return ChainView(name, len(chain) - 1, chain[-1], 0, 1, 0, "")

    async def block_id(height: int) -> str | None:
        asked.append(height)
        return chain[height] if height < len(chain) else None

    return Witness(name, view, block_id)


def fork(shared: int, mine: int, tag: str) -> Chain:
    return [f"b{h}" for h in range(shared + 1)] + [f"{tag}{h}" for h in range(mine)]


@pytest.mark.parametrize("shared", [0, 1, 7, 99, 100])
@pytest.mark.parametrize("extra", [(0, 1), (1, 1), (3, 40)])
async def test_forks(shared: int, extra: tuple[int, int]) -> None:
    asked: list[int] = []
    chains = [fork(shared, extra[0], "x"), fork(shared, extra[1], "y")]
    agreement = await agree([witness(f"n{i}", c, asked) for i, c in enumerate(chains)])
    assert agreement.common_height == shared
    assert agreement.converged == (max(extra) <= 2)
    assert len(asked) <= 2 * 8


async def test_one_question_when_all_agree() -> None:
    asked: list[int] = []
    chains = [fork(5000, 0, "x"), fork(5000, 2, "x"), fork(5000, 1, "x")]
    agreement = await agree([witness(f"n{i}", c, asked) for i, c in enumerate(chains)])
    assert (agreement.common_height, agreement.converged) == (5000, True)
    assert asked == [5000, 5000, 5000]


async def test_who_does_not_answer_does_not_count() -> None:
    asked: list[int] = []
    here, gone = witness("n1", fork(5, 0, "x"), asked), witness("n2", [], asked, silent=True)
    agreement = await agree([here, gone])
    assert [view.name for view in agreement.views] == ["n1"]
    assert agreement.converged
    assert agreement.view("n2") is None


async def test_nobody_answers() -> None:
    agreement = await agree([witness("n1", [], [], silent=True)])
    assert (agreement.views, agreement.common_height, agreement.converged) == ((), 0, False)
