"""Prints the catalogue of checks as docs/laboratory/checkers.md has it."""

import typer

from testnet.checkers.manual import checks_markdown

if __name__ == "__main__":
    typer.echo(checks_markdown(), nl=False)
