"""Every sample document of five standards, published to eight nodes and proved from each."""

from pathlib import Path

import pytest

from chain.genesis import Genesis
from p2p.api.client import Client
from tests.live import cornerstone, run, running_testnet

SAMPLES = Path(__file__).parents[1] / "data/samples"
SECTORS = {
    "epcis": "supply-chain",
    "dcsa": "shipping",
    "iso20022": "finance",
    "gtfs": "transport",
    "dataspace-protocol": "government",
}
SUFFIXES = {".json", ".jsonld", ".xml", ".csv", ".txt"}


@pytest.mark.slow
def test_every_document_is_the_same_on_every_node_and_proved(tmp_path: Path) -> None:
    with running_testnet("documents", 8) as up:
        genesis = Genesis.decode(Path(up["genesis"]).read_bytes())
        apis = [node["api"] for node in up["nodes"]]
        total = 0
        for folder, sector in SECTORS.items():
            files = sorted(p for p in (SAMPLES / folder).rglob("*") if p.suffix in SUFFIXES)
            published = cornerstone(
                "tx", "publish", "--testnet", "documents", "--from", "alice",
                "--sector", sector, *map(str, files), "--wait",
            )  # fmt: skip
            assert [Path(one["file"]).name for one in published] == [file.name for file in files]
            for file, one in zip(files, published, strict=True):
                seen = set()
                for api in apis:
                    with Client(api) as node:
                        node.wait(one["id"], 30)
                        found = node.dataset(one["dataset"])
                    seen.add((found.commitment, found.size, found.media_type, found.sector))
                assert seen == {
                    (one["commitment"], file.stat().st_size, one["media_type"], sector)
                }, file
            verified = run("tx", "verify", "--testnet", "documents", *map(str, files))
            assert verified.returncode == 0, verified.stderr
            total += len(files)
        changed = tmp_path / "changed.json"
        changed.write_bytes(files[0].read_bytes() + b" ")
        refused = run(
            "tx", "verify", "--testnet", "documents", "--dataset", published[0]["dataset"],
            str(changed),
        )  # fmt: skip
        assert refused.returncode == 1
        assert published[0]["commitment"] in refused.stderr + refused.stdout
        assert "Traceback" not in refused.stderr
        print(f"\n{total} documents on {len(apis)} nodes of {genesis.network}, all proved")
        assert total == 144
