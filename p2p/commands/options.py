"""What the commands share: options, the session with a node, and how results are printed."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from chain.commands import read_as
from chain.genesis import Genesis
from chain.lightclient import CHECKPOINT_LIMITS, TrustedCheckpoint, decode_checkpoint
from chain.primitives.did import format_did, parse_did
from chain.primitives.errors import Refusal
from p2p.accounts import Account, load_account
from p2p.api.client import Client, connect
from p2p.api.json_codec import encode_json
from p2p.profile import Profile, choose_profile
from p2p.wire.fields import quoted

TIMEOUT_S = 60.0
"""How long --wait waits: dozens of blocks on any network people wait for."""
URL = re.compile(r"https?://(?:\[[0-9a-fA-F:.]+\]|[^/\s\[\]:@]+)(?::\d{1,5})?/?")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Testnet = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A testnet of this machine; may be left out when there is only one.",
        show_default=False,
    ),
]
Api = Annotated[
    str | None,
    typer.Option(metavar="URL", help="A node's API, http://host:port.", show_default=False),
]
From = Annotated[
    str,
    typer.Option("--from", metavar="ACCOUNT", help="An account whose keys are here, or its file."),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="FILE",
        help="A final header you trust: authorities before it are not believed.",
        show_default=False,
    ),
]
Wait = Annotated[bool, typer.Option("--wait", help="Return when it is in a block.")]
Timeout = Annotated[float, typer.Option(min=0, help="Seconds that --wait waits at most.")]
Lane = Annotated[
    int, typer.Option(min=0, max=15, help="Lane of the account's sequence numbers, 0 to 15.")
]

PLAIN_WIDTH = 160
"""Of a file or a pipe: wide enough that no line is broken that a script looks for."""

console = Console(highlight=False)
if not console.is_terminal:
    console.width = PLAIN_WIDTH
notes = Console(stderr=True, highlight=False)
"""Results go to standard output, remarks and progress to standard error."""


def plain(text: str) -> Text:
    """What a stranger wrote, or may have: shown as it stands, with nothing in it that the terminal
    or the markup of our own words would obey."""
    return Text(quoted(text))


def shown(text: object) -> str:
    """The same, to stand among words of ours with markup: a file's or an account's name, too."""
    return escape(quoted(str(text)))


class Session:
    """A network, one of its nodes, and its genesis as that node tells it."""

    def __init__(self, profile: Profile, client: Client) -> None:
        self.profile = profile
        self.client = client
        self.genesis = Genesis.decode(client.genesis())
        expected = profile.genesis_hash
        if expected and self.genesis.hash.hex() != expected:
            raise Refusal(
                "wrong-genesis",
                f"{client.url} is on the chain {self.genesis.hash.hex()}, "
                f"{profile.name!r} was founded as {expected}",
            )

    def account(self, reference: str) -> Account:
        """Our account of that name, or in that file. Raises Refusal."""
        account = (
            load_account(Path(reference))
            if reference.endswith(".json")
            else self.profile.account(reference)
        )
        if account.network != self.genesis.network:
            raise Refusal(
                "wrong-network",
                f"account {account.name!r} is for network {account.network!r}, this one is "
                f"{self.genesis.network!r}",
            )
        return account

    def did(self, reference: str) -> bytes:
        """The 32-byte id of a DID, of a name in the genesis, or of an account of ours."""
        if reference.startswith("did:"):
            return parse_did(reference, self.genesis.network)
        for identity in self.genesis.identities:
            if identity.name == reference:
                return identity.id
        if reference in self.profile.account_names():
            return self.account(reference).did
        raise Refusal(
            "unknown-account",
            f"{reference!r} is no DID, no name in the genesis of {self.genesis.network!r}, and no "
            f"account in {self.profile.accounts}",
        )

    def name(self, did: str) -> str:
        """A DID's name in the genesis, or a short form of it."""
        for identity in self.genesis.identities:
            if format_did(self.genesis.network, identity.id) == did:
                return identity.name
        return f"…{did[-8:]}" if did else "genesis"

    def whole(self, amount: int, code: str) -> str:
        """Minor units as people write them: 5 of a currency with 2 decimals is 0.05."""
        decimals = next((c.decimals for c in self.genesis.currencies if c.code == code), 0)
        sign, digits = ("-" if amount < 0 else ""), str(abs(amount)).rjust(decimals + 1, "0")
        if not decimals:
            return f"{sign}{digits} {code}"
        return f"{sign}{digits[:-decimals]}.{digits[-decimals:]} {code}"


@contextmanager
def open_session(testnet: str | None, api: str | None) -> Iterator[Session]:
    """The network that the options name. Raises Refusal or Unreachable."""
    profile = choose_profile(os.environ, testnet, api)
    for url in profile.api_urls:
        if not URL.fullmatch(url):
            raise typer.BadParameter(f"{url!r} is no address of a node's API: http://host:port")
    with connect(profile.api_urls) as client:
        yield Session(profile, client)


def read_checkpoint(path: Path | None) -> TrustedCheckpoint | None:
    """A checkpoint file, if there is one. Raises Refusal."""
    return None if path is None else read_as(decode_checkpoint, path, CHECKPOINT_LIMITS.size)


def print_json(value: object) -> None:
    """One line of JSON on standard output; views are written as the API writes them."""
    typer.echo(json.dumps(json.loads(encode_json(value))))
