"""The HTML templates of this package, with everything escaped unless it says otherwise."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template


def _source(name: str) -> str:
    return files("testnet.report").joinpath(name).read_text(encoding="utf-8")


@cache
def template(name: str) -> Template:
    """The template in that file, compiled once; what it asks for and does not get is an error."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        loader=FunctionLoader(_source),
    )
    return environment.get_template(name)
