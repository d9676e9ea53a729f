"""Prints the fault catalogue as docs/laboratory/faults.md has it."""

import typer

from testnet.faults.catalogue import catalogue_markdown

if __name__ == "__main__":
    typer.echo(catalogue_markdown(), nl=False)
