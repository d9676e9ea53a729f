"""A light node as a process: its API, its checkpoint over a restart, and what it refuses."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import trio

from chain.lightclient import decode_checkpoint
from chain.primitives.errors import Refusal
from p2p.api.json_codec import decode_json
from p2p.api.light_app import LightStatusView
from p2p.config import BadConfig, NodeConfig
from p2p.light_process import CHECKPOINT, load_checkpoint, run_light
from p2p.net.memory import MemoryNetwork
from p2p.status import NodeAddresses
from tests.chain.founding import genesis as make_genesis
from tests.chain.receipts.world import Paying
from tests.p2p.test_light_node import full_node


def configured(folder: Path, chain: Paying) -> NodeConfig:
    file = folder / "genesis.cbor"
    file.write_bytes(chain.genesis.encode())
    return NodeConfig(
        "light", folder, file, chain.genesis.hash, "mem://light:1", bootstrap=("mem://full:1",)
    )


async def test_it_tells_what_is_final_and_goes_on_from_there(tmp_path: Path) -> None:
    chain = Paying(4)
    chain.payment()
    chain.finalize()
    config, network = configured(tmp_path, chain), MemoryNetwork()
    full = full_node(chain, network)
    final = chain.maker.final
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            await nursery.start(full.run)
            for height in (0, final.height):  # as it starts: anew, then from its checkpoint
                await look(config, network, final.height)
                checkpoint = load_checkpoint(tmp_path / CHECKPOINT)
                assert checkpoint is not None
                assert checkpoint.header == final
                assert height <= checkpoint.header.height
            nursery.cancel_scope.cancel()


async def look(config: NodeConfig, network: MemoryNetwork, height: int) -> None:
    """Run a light node until its API says that a height is final."""
    up = trio.Event()
    where: list[NodeAddresses] = []

    def started(addresses: NodeAddresses) -> None:
        where.append(addresses)
        up.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_light, config, started, lambda _: network.transport("light"))
        await up.wait()
        async with httpx.AsyncClient(base_url=where[0].api) as http:
            while True:
                status = decode_json(LightStatusView, (await http.get("/v1/status")).content)
                if status.finalized_height == height:
                    break
                await trio.lowlevel.checkpoint()
            assert (status.light, status.authorities, status.alarm) == (True, 4, "")
            raw = (await http.get("/v1/checkpoint")).content
            assert decode_checkpoint(raw).header.height == height
            assert (await http.get("/v1/genesis")).content == config.genesis.read_bytes()
            assert (await http.get("/v1/nothing")).json()["code"] == "unknown-path"
            for path in ("/", "/docs"):
                page = await http.get(path)
                assert page.status_code == 200
                assert "https://" not in page.text
                assert "default-src 'none'" in page.headers["content-security-policy"]
        nursery.cancel_scope.cancel()


async def test_what_cannot_be_followed_is_refused(tmp_path: Path) -> None:
    chain = Paying(4)
    config = configured(tmp_path, chain)
    with pytest.raises(BadConfig, match="bootstrap is empty"):
        await run_light(replace(config, bootstrap=()), lambda _: None)
    (tmp_path / CHECKPOINT).write_bytes(b"nonsense")
    with pytest.raises(ExceptionGroup) as caught:
        await run_light(config, lambda _: None, lambda _: MemoryNetwork().transport("light"))
    assert caught.group_contains(BadConfig, match="remove it to begin at the genesis")
    (tmp_path / CHECKPOINT).unlink()
    work = make_genesis(type(chain.genesis.consensus).WORK)
    config.genesis.write_bytes(work.encode())
    with pytest.raises(ExceptionGroup) as caught:
        await run_light(
            replace(config, genesis_hash=work.hash),
            lambda _: None,
            lambda _: MemoryNetwork().transport("light"),
        )
    assert caught.group_contains(Refusal, match="never-final")
