"""Which network a command talks to: a testnet of this machine, or a node by its address.

The testnet's launcher writes testnet.json; this is all that the commands know of a testnet.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from chain.primitives.errors import Refusal
from p2p.accounts import Account, load_account

HOME = "CORNERSTONE_HOME"


class UnknownNetwork(Refusal):
    """The network a command is to talk to is not there; the reason says what is."""

    def __init__(self, reason: str) -> None:
        super().__init__("unknown-network", reason)


@dataclass(frozen=True, slots=True)
class Profile:
    """Where a network's nodes answer and where our side of it is kept.

    `api_urls` in order of preference; `accounts` holds one key file per account, `vaults` one
    folder per account with what was published. `genesis_hash` (hex) is empty when it is not known.
    """

    name: str
    api_urls: tuple[str, ...]
    accounts: Path
    vaults: Path
    genesis_hash: str = ""

    def account(self, name: str) -> Account:
        """The account of that name. Raises Refusal, listing those that exist."""
        path = self.accounts / f"{name}.json"
        if "/" in name or not path.is_file():
            there = ", ".join(self.account_names()) or "none"
            raise Refusal(
                "unknown-account",
                f"no account {name!r} in {self.accounts} (there: {there}); "
                "name the file of one that is elsewhere; `cornerstone keys new NAME` makes one",
            )
        return load_account(path)

    def account_names(self) -> list[str]:
        """The accounts whose keys are here."""
        return sorted(path.stem for path in self.accounts.glob("[!.]*.json"))

    def vault_path(self, account: str) -> Path:
        """The folder of what an account published."""
        return self.vaults / account

    def vault_names(self) -> list[str]:
        """The accounts that published something from here."""
        return sorted(path.parent.name for path in self.vaults.glob("*/records"))


def home(environment: Mapping[str, str]) -> Path:
    """Where Cornerstone keeps things: $CORNERSTONE_HOME, or the platform's place for state."""
    chosen = environment.get(HOME) or platformdirs.user_state_dir("cornerstone")
    return Path(chosen).expanduser().absolute()


def about_home(path: Path, environment: Mapping[str, str], *, full: bool) -> str:
    """Whose choice a path in the home folder is, or one on the way to it, and what to do when it
    cannot be used; empty for other paths.
    """
    root = home(environment)
    on_the_way = path in root.parents and not os.path.exists(path)
    if not (on_the_way or path.is_relative_to(root)):
        return ""
    chosen = (
        f"{HOME} is {root}"
        if environment.get(HOME)
        else f"it belongs to {root}, where everything is kept while {HOME} is not set"
    )
    room = "make room there, or " if full else ""
    return f"{chosen}; {room}set it to a folder that can be written"


def own_profile(root: Path, api_urls: tuple[str, ...]) -> Profile:
    """A network reached by address, with the accounts and the vault under the home folder."""
    return Profile(", ".join(api_urls), api_urls, root / "accounts", root / "vault")


def profile_of_testnet(root: Path, name: str) -> Profile:
    """A testnet of this machine by its name. Raises UnknownNetwork, listing those that exist."""
    directory = root / "testnets" / name
    path = directory / "testnet.json"
    try:
        value = json.loads(path.read_bytes())
        urls = tuple(node["api"] for node in value["nodes"] if node["pid"] is not None)
        accounts = Path(value["accounts_dir"])
        genesis_hash = str(value["genesis_hash"])
    except OSError:
        raise UnknownNetwork(_which(root, name)) from None
    except (ValueError, KeyError, TypeError) as error:
        raise UnknownNetwork(f"{path} cannot be used ({error!r})") from error
    if not urls:
        raise UnknownNetwork(
            f"testnet {name!r} is not running; `cornerstone testnet resume {name}` starts it"
        )
    return Profile(name, urls, accounts, directory / "vault", genesis_hash)


def names_of_testnets(root: Path) -> list[str]:
    """The testnets on this machine."""
    return sorted(path.parent.name for path in (root / "testnets").glob("*/testnet.json"))


def only_testnet(root: Path) -> str:
    """The one testnet of this machine, for commands that name none. Raises UnknownNetwork."""
    names = names_of_testnets(root)
    if len(names) == 1:
        return names[0]
    if not names:
        raise UnknownNetwork(
            "say which network: --testnet NAME or --api URL; there is no testnet in "
            f"{root / 'testnets'} (`cornerstone testnet up` starts one)"
        )
    raise UnknownNetwork(f"say which testnet with --testnet: {', '.join(names)}")


def choose_profile(environment: Mapping[str, str], testnet: str | None, api: str | None) -> Profile:
    """The network that the options and the environment name. Raises UnknownNetwork.

    $CORNERSTONE_API stands in for --api, $CORNERSTONE_TESTNET for --testnet.
    """
    root = home(environment)
    if testnet is None and api is None:
        api = environment.get("CORNERSTONE_API")
        testnet = environment.get("CORNERSTONE_TESTNET")
    if testnet is not None:
        profile = profile_of_testnet(root, testnet)
        return replace(profile, api_urls=(api,)) if api else profile
    if api:
        return own_profile(root, (api,))
    return profile_of_testnet(root, only_testnet(root))


def _which(root: Path, name: str) -> str:
    there = ", ".join(names_of_testnets(root)) or "none"
    return (
        f"no testnet named {name!r} in {root / 'testnets'} (there: {there}); "
        f"create it with `cornerstone testnet up --name {name} --detach`"
    )
