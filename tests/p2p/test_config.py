"""Node configuration: what is read, and the specific refusal of everything wrong."""

from pathlib import Path

import pytest

from p2p.config import INBOUND_MAX, OUTBOUND_TARGET, BadConfig, load_config
from p2p.peers.contact import Reach
from p2p.protocol.gossip import EAGER

GOOD = f"""
name = "n1"
genesis = "../genesis.cbor"
genesis_hash = "{"ab" * 32}"
listen = "ws://127.0.0.1:0"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "node.toml"
    path.write_text(text)
    return path


def test_reads_with_defaults_and_paths_relative_to_the_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))
    assert config.name == "n1"
    assert config.data_dir == tmp_path
    assert config.genesis == tmp_path / "../genesis.cbor"
    assert config.genesis_hash == b"\xab" * 32
    assert (config.outbound_target, config.inbound_max) == (OUTBOUND_TARGET, INBOUND_MAX)
    assert config.bootstrap == ()
    assert config.author_key is None
    assert config.reach is None


def test_reads_everything(tmp_path: Path) -> None:
    more = """
advertise = "ws://203.0.113.5:4001"
api_host = "0.0.0.0"
api_port = 8080
bootstrap = ["ws://127.0.0.1:4001", "ws://127.0.0.1:4002"]
outbound_target = 3
inbound_max = 7
durability = "power"
reach = "site"
author_key = "seal.json"
author = "did:cornerstone:demo:zabc"
log_level = "debug"
"""
    config = load_config(write(tmp_path, GOOD + more))
    assert config.bootstrap == ("ws://127.0.0.1:4001", "ws://127.0.0.1:4002")
    assert config.author_key == tmp_path / "seal.json"
    assert config.reach is Reach.SITE
    assert (config.durability, config.log_level, config.api_port) == ("power", "debug", 8080)


@pytest.mark.parametrize(
    ("table", "eager"),
    [("", EAGER), ("[gossip]", EAGER), ("[gossip]\neager = 0", 0), ("[gossip]\neager = 8", 8)],
)
def test_how_many_links_push_is_said_in_a_table_of_its_own(
    tmp_path: Path, table: str, eager: int
) -> None:
    assert load_config(write(tmp_path, GOOD + table)).eager == eager


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("gossip = 2", "gossip: expected a table with the one key eager, got 2"),
        ("[gossip]\nlazy = 1", "gossip: expected a table with the one key eager"),
        ("[gossip]\neager = 9", "gossip.eager: expected an integer from 0 to 8, got 9"),
        ("[gossip]\neager = true", "gossip.eager: expected an integer from 0 to 8, got True"),
        ('[gossip]\neager = "2"', "gossip.eager: expected an integer from 0 to 8, got '2'"),
        ('bootstap = ["ws://a:1"]', "unknown key 'bootstap'; did you mean 'bootstrap'?"),
        ('bootstrap = ["ws://a"]', "bootstrap: expected a list of addresses such as ws://"),
        ('advertise = "203.0.113.5:4001"', "advertise: expected an address such as ws://"),
        ('advertise = ""', "advertise: expected a text, got ''"),
        ('advertise = "wss://a:1"', "advertise: expected an address such as ws://"),
        ('reach = "site-wide"', "reach: expected one of world, site, host, got 'site-wide'"),
        ("reach = 2", "reach: expected a text, got 2"),
        ("zzz = 1", "unknown key 'zzz'; known: name"),
        ("api_port = 70000", "api_port: expected an integer from 0 to 65535, got 70000"),
        ("api_port = true", "api_port: expected an integer from 0 to 65535, got True"),
        ('durability = "fast"', "durability: expected one of process, power, got 'fast'"),
        ('log_level = "loud"', "log_level: expected one of debug, info, warning, error"),
        ('bootstrap = "ws://a:1"', "bootstrap: expected a list of at most 64 addresses"),
        ('bootstrap = ["a:1"]', "bootstrap: expected a list of addresses such as ws://"),
        ("author_key = 5", "author_key: expected a text, got 5"),
        ("outbound_target = -1", "outbound_target: expected an integer from 0 to 64, got -1"),
    ],
)
def test_refuses_with_key_value_and_remedy(tmp_path: Path, line: str, reason: str) -> None:
    with pytest.raises(BadConfig) as caught:
        load_config(write(tmp_path, GOOD + line))
    assert reason in caught.value.reason
    assert str(tmp_path / "node.toml") in caught.value.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD.replace("name", "nmae"), "unknown key 'nmae'; did you mean 'name'?"),
        ('name = "n1"', "key 'genesis' is missing"),
        (GOOD.replace('"n1"', '""'), "name: expected a text, got ''"),
        (GOOD.replace("ab" * 32, "ab"), "genesis_hash: expected 64 hex digits, got 'ab'"),
        (GOOD.replace("ab" * 32, "xy" * 32), "genesis_hash: expected 64 hex digits"),
        (GOOD.replace("ws://", ""), "listen: expected an address such as ws://127.0.0.1:4001"),
        ("name = ", "not TOML"),
    ],
)
def test_refuses_broken_files(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(BadConfig, match=r"node\.toml") as caught:
        load_config(write(tmp_path, text))
    assert reason in caught.value.reason


def test_refuses_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="cannot be read"):
        load_config(tmp_path / "absent.toml")
    path = tmp_path / "node.toml"
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(BadConfig, match="not UTF-8"):
        load_config(path)
