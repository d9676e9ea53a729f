"""The command `cornerstone`: gathers the groups, and turns every failure into one clear line.

Exit codes: 0 done; 1 refused (the line says by whom and why); 2 usage; 3 infrastructure (a node
cannot be reached, a disk is full, something is not in a block in time); 10 to 13 a scenario that
failed (testnet/outcome.py); 70 a fault of ours; 130 interrupted.
"""

import signal
import sys

try:  # loading takes a second, much more on a busy machine, and nothing has been begun by then
    import errno
    import io
    import os
    import select
    import traceback
    from pathlib import Path
    from typing import Annotated

    import typer

    from chain.commands import genesis_app
    from chain.primitives.errors import Refusal, StoreFailure
    from p2p.api.client import ApiError, Unreachable
    from p2p.commands import gov, keys, look, node, receipt, recovery, tx
    from p2p.profile import about_home
    from p2p.sending import NotIncluded
    from p2p.version import VERSION
    from p2p.wire.fields import quoted
    from testnet import commands as testnet
    from testnet.bench import commands as bench
    from testnet.errors import LaunchFailure
except KeyboardInterrupt:
    sys.exit(128 + signal.SIGINT)

EXIT_REFUSED = 1
EXIT_MACHINE = 3
EXIT_FAULT = 70
EXIT_INTERRUPTED = 128 + signal.SIGINT  # what shells report for a command that it ended
STDOUT, STDERR = 1, 2
TRACEBACK = "CORNERSTONE_TRACEBACK"
"""Set in the environment, it shows where a fault of ours happened."""

app = typer.Typer(
    name="cornerstone",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.add_typer(testnet.app, rich_help_panel="Networks")
app.add_typer(bench.app, rich_help_panel="Networks")
app.add_typer(node.app, rich_help_panel="Networks")
app.add_typer(recovery.app, rich_help_panel="Networks")
app.add_typer(genesis_app, rich_help_panel="Networks")
app.add_typer(tx.app, rich_help_panel="Chain")
app.add_typer(receipt.app, rich_help_panel="Chain")
app.add_typer(gov.app, rich_help_panel="Chain")
for look_up in (look.account, look.block, look.chain):
    app.command(rich_help_panel="Chain")(look_up)
app.add_typer(keys.app, rich_help_panel="Keys")


def show_version(wanted: bool) -> None:
    """`--version`: print it and stop."""
    if wanted:
        typer.echo(f"cornerstone {VERSION}")
        raise typer.Exit


@app.callback(
    epilog="Exit codes: 0 done, 1 refused, 2 usage, 3 infrastructure, 130 interrupted; of scenarios"
    " 10 safety, 11 liveness, 12 bound, 13 non-determinism."
)
def root(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=show_version, help="Show the version."),
    ] = False,
) -> None:
    """A peer-to-peer blockchain network: run one on this machine, pay, publish, prove.

    [dim]cornerstone testnet up --nodes 8 --name demo --detach
    cornerstone tx transfer --testnet demo --from alice --to bob --amount 5 --wait[/dim]
    """


def main() -> None:
    """The entry point of the installed command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without our letters gets a "?"
            stream.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Carry out a command line; its exit code. Each failure is one line on standard error."""
    output = file_at(STDOUT)
    try:
        code = app(arguments, prog_name="cornerstone", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except SystemExit as ending:  # what typer and rich make of a broken pipe
        broken = ending.__context__
        if not isinstance(broken, BrokenPipeError):
            raise
        if file_at(STDOUT) != output or is_unread(STDOUT) or is_unread(STDERR):
            return 0  # `cornerstone chain | head`: the reader of our output has seen enough
        return explain(broken)
    except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - the outermost shell
        return max(explain(leaf) for leaf in leaves(error))
    return code if isinstance(code, int) else 0


def file_at(descriptor: int) -> tuple[int, int] | None:
    """Which file is open there, if any: rich puts another in the place of a broken pipe."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_unread(descriptor: int) -> bool:
    """Whether nobody is left to read what is written there."""
    states = select.poll()
    states.register(descriptor, 0)
    return any(state & select.POLLERR for _, state in states.poll(0))


def leaves(error: BaseException) -> list[BaseException]:
    """The single errors of a group of groups, as tasks running side by side leave them."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in leaves(inner)]


def explain(error: BaseException) -> int:
    """Print one line about an error; the exit code it stands for."""
    match error:
        case typer.TyperException():
            print_usage_error(error)
            return error.exit_code
        case KeyboardInterrupt():
            return EXIT_INTERRUPTED
        case Refusal():
            print_error(f"{error.reason} ({error.code})")
            return EXIT_REFUSED
        case ApiError():
            print_error(f"{error.detail} ({error.code})")
            return EXIT_REFUSED
        case Unreachable() | NotIncluded() | LaunchFailure() | StoreFailure():
            print_error(str(error))
            return EXIT_MACHINE
        case OSError():
            print_error(of_the_machine(error))
            return EXIT_MACHINE
    return explain_fault(error)


def of_the_machine(error: OSError) -> str:
    """What the machine refuses, at which file, and whose choice that place is."""
    if not isinstance(error.filename, str):
        return str(error.strerror or error)
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    about = about_home(Path(error.filename), os.environ, full=full)
    return "; ".join(filter(None, [f"{error.strerror}: {error.filename}", about]))


def print_usage_error(error: typer.TyperException) -> None:
    """A mistake on the command line; a bare group name gets its help."""
    if isinstance(error, typer.BadParameter) and error.param is None:
        print_error(error.message)  # a refusal of ours: it says itself what would do
    elif message := error.format_message():  # a bare group name has printed its help instead
        print_error(f"{message} (--help says how)")


def explain_fault(error: BaseException) -> int:
    """An error nobody expected: ours."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    print_error(
        f"a fault of cornerstone, please report it: {type(error).__name__}: {error} "
        f"({TRACEBACK}=1 shows where)"
    )
    return EXIT_FAULT


def print_error(text: str) -> None:
    """One line on standard error; what it quotes of a stranger is nothing a terminal obeys."""
    typer.echo("error: " + quoted(" ".join(text.split())), err=True)


if __name__ == "__main__":
    main()
