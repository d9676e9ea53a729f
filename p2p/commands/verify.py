"""`tx verify`: is this file what was published?"""

from pathlib import Path
from typing import Annotated

import typer

from chain.primitives.errors import Refusal
from chain.receipts.finality import Basis
from p2p.commands.options import (
    Api,
    AsJson,
    Checkpoint,
    Session,
    Testnet,
    console,
    open_session,
    print_json,
    read_checkpoint,
    shown,
)
from p2p.publishing import Verdict, verify_file
from p2p.vault import UnfitFile, Vault, VaultRecord, find_record, read_file

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files to verify.")]
Owner = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="ACCOUNT", help="Whose vault; all when left out.", show_default=False
    ),
]
DatasetId = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        metavar="ID",
        help="Which dataset; found by the file's path when left out.",
        show_default=False,
    ),
]


class Differs(Refusal):
    """A file that is not what was published; the reason names both hashes."""

    def __init__(self, reason: str) -> None:
        super().__init__("differs", reason)


def verify(
    files: Files,
    owner: Owner = None,
    dataset: DatasetId = None,
    checkpoint: Checkpoint = None,
    testnet: Testnet = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Prove files against the chain; exit code 1 names both hashes when one differs.

    The commitment is computed from the file with the salt in the vault; the dataset's record
    comes from a node with a proof that is checked here, against a header sealed by an authority.

    [dim]cornerstone tx verify --testnet demo bill-of-lading.json[/dim]
    """
    with open_session(testnet, api) as session:
        vaults = open_vaults(session, owner)
        basis = Basis(session.genesis, read_checkpoint(checkpoint))
        verdicts = [
            (file, verify_file(session.client, basis, *published(vaults, file, dataset)))
            for file in files
        ]
    if as_json:
        print_json([line(file, verdict) for file, verdict in verdicts])
    else:
        for file, verdict in verdicts:
            if verdict.match:
                console.print(matched(session, file, verdict), soft_wrap=True)
    wrong = [difference(file, verdict) for file, verdict in verdicts if not verdict.match]
    if wrong:
        raise Differs("; ".join(wrong))


def open_vaults(session: Session, owner: str | None) -> list[Vault]:
    """The vault of one account, or all there are."""
    names = [owner] if owner else session.profile.vault_names()
    return [Vault(session.profile.vault_path(name)) for name in names]


def published(
    vaults: list[Vault], file: Path, dataset: str | None
) -> tuple[Vault, VaultRecord, bytes]:
    """What a file was published as, and what is in it now. Raises Refusal."""
    content = read_file(file)
    vault, record = (
        find_record(vaults, file.resolve(), content)
        if dataset is None
        else named(vaults, dataset.lower())
    )
    return vault, record, content


def named(vaults: list[Vault], dataset: str) -> tuple[Vault, VaultRecord]:
    """The record of a dataset. Raises UnfitFile."""
    for vault in vaults:
        record = vault.of_dataset(dataset)
        if record is not None:
            return vault, record
    raise UnfitFile("not-published", f"no vault here knows dataset {dataset}")


def matched(session: Session, file: Path, verdict: Verdict) -> str:
    """The good news."""
    return (
        f"[green]match[/] [bold]{shown(file)}[/] is dataset {verdict.dataset} "
        f"of {shown(session.name(verdict.owner))}\n"
        f"      commitment {verdict.commitment_chain}, proved at block {verdict.height}"
    )


def difference(file: Path, verdict: Verdict) -> str:
    """What differs, with both hashes."""
    parts = []
    if verdict.commitment_file != verdict.commitment_chain:
        parts.append(
            f"{file} gives commitment {verdict.commitment_file}, "
            f"the chain has {verdict.commitment_chain}"
        )
    if verdict.ciphertext_vault != verdict.ciphertext_chain:
        parts.append(
            f"the vault's encrypted file hashes to {verdict.ciphertext_vault}, "
            f"the chain has {verdict.ciphertext_chain}"
        )
    return "; ".join(parts)


def line(file: Path, verdict: Verdict) -> dict[str, object]:
    """One file's verdict for scripts."""
    return {
        "file": str(file),
        "match": verdict.match,
        "dataset": verdict.dataset,
        "owner": verdict.owner,
        "commitment": {"file": verdict.commitment_file, "chain": verdict.commitment_chain},
        "ciphertext_hash": {"vault": verdict.ciphertext_vault, "chain": verdict.ciphertext_chain},
        "proof": {
            "height": verdict.height,
            "block": verdict.block,
            "state_root": verdict.state_root,
        },
    }
