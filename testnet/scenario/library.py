"""The scenarios that come with the software, by name; and any other by its path."""

from importlib.resources import files
from pathlib import Path

from chain.primitives.errors import Refusal
from chain.toml import nearest
from testnet.errors import Unfit
from testnet.scenario.model import Scenario
from testnet.scenario.source import parse_scenario

FOLDER = files("testnet") / "scenarios"
ENDING = ".toml"
BYTES_MAX = 1 << 20
"""A scenario of all the sections there can be is well below; a file above is something else."""


def library() -> tuple[str, ...]:
    """The names of the scenarios that come with the software, in order."""
    names = [entry.name for entry in FOLDER.iterdir() if entry.name.endswith(ENDING)]
    return tuple(sorted(name.removesuffix(ENDING) for name in names))


def open_scenario(text: str) -> Scenario:
    """The scenario of a file, or of the library's name. Raises a Refusal that names the file."""
    path = Path(text)
    if path.is_file():
        source = read_file(path)
    elif text in library():
        source = (FOLDER / f"{text}{ENDING}").read_text(encoding="utf-8")
    else:
        raise unknown(text)
    try:
        return parse_scenario(source)
    except Refusal as refusal:
        raise type(refusal)(refusal.code, f"{text}: {refusal.reason}") from None


def read_file(path: Path) -> str:
    """A file's text. Raises Unfit when it cannot be read, is too large or is no text."""
    try:
        size = path.stat().st_size
        if size > BYTES_MAX:
            raise Unfit(
                "scenario-size", f"{path} has {size} bytes; a scenario has {BYTES_MAX} at most"
            )
        return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except OSError as error:
        raise Unfit("scenario-file", f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise Unfit("scenario-file", f"{path} is not UTF-8 text: {error.reason}") from None


def unknown(text: str) -> Unfit:
    """What to say about a name that is neither a file nor in the library."""
    if Path(text).is_dir():
        return Unfit("scenario-file", f"{text} is a folder; name a scenario file, or one in it")
    if text.endswith(ENDING) or "/" in text:
        return Unfit("scenario-file", f"there is no file {text!r}")
    return Unfit(
        "unknown-scenario",
        f"no scenario {text!r} is in the library and there is no such file;"
        f" {nearest(text, library())}",
    )
