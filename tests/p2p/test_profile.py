"""Which network a command means, from options, environment, and what is on disk."""

import json
from pathlib import Path

import pytest

from chain.primitives.errors import Refusal
from p2p.profile import UnknownNetwork, about_home, choose_profile, home


def write_testnet(root: Path, name: str, *pids: int | None) -> None:
    folder = root / "testnets" / name
    (folder / "accounts").mkdir(parents=True)
    nodes = [{"api": f"http://127.0.0.1:{8000 + n}", "pid": pid} for n, pid in enumerate(pids)]
    record = {"nodes": nodes, "accounts_dir": str(folder / "accounts"), "genesis_hash": "ab"}
    (folder / "testnet.json").write_text(json.dumps(record))


def test_home_is_chosen_by_the_environment(tmp_path: Path) -> None:
    assert home({"CORNERSTONE_HOME": str(tmp_path)}) == tmp_path
    assert home({}).is_absolute()


def test_whose_choice_the_home_is(tmp_path: Path) -> None:
    chosen = {"CORNERSTONE_HOME": str(tmp_path / "new" / "home")}
    inside, way = tmp_path / "new" / "home" / "accounts", tmp_path / "new"
    remedy = "set it to a folder that can be written"
    told = f"CORNERSTONE_HOME is {tmp_path}/new/home; "
    assert about_home(inside, chosen, full=False) == about_home(way, chosen, full=False)
    assert about_home(inside, chosen, full=False) == told + remedy
    assert about_home(inside, chosen, full=True) == f"{told}make room there, or {remedy}"
    assert about_home(tmp_path, chosen, full=False) == ""
    assert about_home(tmp_path / "other", chosen, full=True) == ""
    usual = home({})
    unset = f"it belongs to {usual}, where everything is kept while CORNERSTONE_HOME is not set; "
    assert about_home(usual / "accounts", {}, full=False) == unset + remedy


def test_a_testnet_by_name_leaves_out_the_nodes_that_are_down(tmp_path: Path) -> None:
    write_testnet(tmp_path, "demo", 1, None, 3)
    profile = choose_profile({"CORNERSTONE_HOME": str(tmp_path)}, "demo", None)
    assert profile.api_urls == ("http://127.0.0.1:8000", "http://127.0.0.1:8002")
    assert profile.genesis_hash == "ab"
    assert profile.vault_path("ann") == tmp_path / "testnets" / "demo" / "vault" / "ann"


def test_the_only_testnet_needs_no_name(tmp_path: Path) -> None:
    environment = {"CORNERSTONE_HOME": str(tmp_path)}
    with pytest.raises(UnknownNetwork, match="--testnet NAME or --api URL"):
        choose_profile(environment, None, None)
    write_testnet(tmp_path, "demo", 1)
    assert choose_profile(environment, None, None).name == "demo"
    write_testnet(tmp_path, "more", 1)
    with pytest.raises(UnknownNetwork, match="demo, more"):
        choose_profile(environment, None, None)
    chosen = choose_profile({**environment, "CORNERSTONE_TESTNET": "more"}, None, None)
    assert chosen.name == "more"


def test_an_address_beside_or_without_a_testnet(tmp_path: Path) -> None:
    write_testnet(tmp_path, "demo", 1)
    environment = {"CORNERSTONE_HOME": str(tmp_path)}
    both = choose_profile(environment, "demo", "http://other:1")
    assert (both.api_urls, both.name) == (("http://other:1",), "demo")
    own = choose_profile({**environment, "CORNERSTONE_API": "http://other:1"}, None, None)
    assert own.accounts == tmp_path / "accounts"


def test_what_cannot_be_meant(tmp_path: Path) -> None:
    environment = {"CORNERSTONE_HOME": str(tmp_path)}
    write_testnet(tmp_path, "down", None)
    with pytest.raises(UnknownNetwork, match="resume down"):
        choose_profile(environment, "down", None)
    with pytest.raises(UnknownNetwork, match=r"there: down"):
        choose_profile(environment, "nope", None)
    (tmp_path / "testnets" / "down" / "testnet.json").write_text("[")
    with pytest.raises(UnknownNetwork, match="cannot be used"):
        choose_profile(environment, "down", None)


def test_accounts_by_name_and_never_by_path(tmp_path: Path) -> None:
    write_testnet(tmp_path, "demo", 1)
    profile = choose_profile({"CORNERSTONE_HOME": str(tmp_path)}, "demo", None)
    (profile.accounts / "ann.json").write_text("{}")
    assert profile.account_names() == ["ann"]
    for name in ("zoe", "../ann", "/etc/passwd"):
        with pytest.raises(Refusal, match=r"there: ann"):
            profile.account(name)
