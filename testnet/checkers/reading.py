"""From an expectation's text to a check: the name, the mode, the parameters."""

import tomllib
from collections.abc import Callable, Iterable

from chain.primitives.errors import Refusal
from chain.toml import nearest
from testnet.checkers.catalogue import CHECKS, CheckKind
from testnet.errors import Unfit
from testnet.faults.parameters import Parameter, parameters_of, required
from testnet.scenario.expected import literal
from testnet.scenario.model import Expectation


def check_of(expectation: Expectation) -> CheckKind:
    """The check an expectation names. Raises Unfit with what would do instead."""
    return make_check(kind_of(expectation), expectation.parameters)


def kind_of(expectation: Expectation) -> type[CheckKind]:
    """The kind of check, of the expectation's mode. Raises Unfit with what would do instead."""
    kind = CHECKS.get(expectation.check)
    if kind is None:
        alike = [name for name, known in CHECKS.items() if known.MODE is expectation.mode]
        raise Unfit(
            "unknown-check",
            f"no {expectation.mode.value!r} is called {expectation.check!r}; "
            f"{nearest(expectation.check, alike)}",
        )
    if kind.MODE is not expectation.mode:
        raise Unfit(
            "check-mode",
            f"{kind.NAME} is expected with {kind.MODE.value} = {kind.NAME!r}, "
            f"not with {expectation.mode.value}",
        )
    return kind


def make_check(kind: type[CheckKind], given: Iterable[tuple[str, str]]) -> CheckKind:
    """A check with parameters as texts. Raises Unfit for what is unknown, missing or unreadable."""
    parameters, texts = parameters_of(kind), dict(given)
    for key in texts:
        if key not in parameters:
            raise Unfit("unknown-parameter", f"{kind.NAME}: no {key!r}; {nearest(key, parameters)}")
    values = dict[str, object]()
    for key, (field, parameter) in parameters.items():
        if key in texts:
            values[field.name] = _read(kind.NAME, key, parameter, texts[key])
        elif required(field):
            raise Unfit("missing-parameter", f"{kind.NAME} needs {key}: {parameter.form}")
    build: Callable[..., CheckKind] = kind
    return build(**values)


def _read(name: str, key: str, parameter: Parameter, text: str) -> object:
    bare = literal(text)
    value: object = text if bare is None else tomllib.loads(f"value = {bare}")["value"]
    try:
        return parameter.read(value)
    except Refusal as refusal:
        raise Unfit(refusal.code, f"{name}: {key}: {refusal.reason}") from None
