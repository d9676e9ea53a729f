"""An act as JSON, between the command line, the supervisor and the nodes.

`{"id": "f1", "do": "link.delay", "with": {"by": "200ms"}, "on": ["n1"], "to": ["n2"], "seed": 7}`:
the parameters are written as a scenario writes them.
"""

from collections.abc import Callable

from chain.primitives.errors import Refusal
from chain.toml import nearest
from testnet.errors import Unfit
from testnet.faults.kinds import KINDS, Kind
from testnet.faults.parameters import parameters_of, required
from testnet.scenario.source import nearest_fault
from testnet.stage import Act

KEYS = ("id", "do", "with", "on", "to", "seed")


def encode_act(act: Act) -> dict[str, object]:
    """The JSON object of an act: `decode_act(encode_act(act)) == act`."""
    return {
        "id": act.id,
        "do": act.kind.NAME,
        "with": encode_parameters(act.kind),
        "on": list(act.on),
        "to": list(act.to),
        "seed": act.seed,
    }


def encode_parameters(kind: Kind) -> dict[str, object]:
    """A kind's parameters by their keys in a scenario, without those that have their default."""
    return {
        key: parameter.write(getattr(kind, field.name))
        for key, (field, parameter) in parameters_of(type(kind)).items()
        if getattr(kind, field.name) != field.default
    }


def decode_act(value: object) -> Act:
    """Reads an act. Raises Unfit for an unknown fault or key and for values of other types."""
    if not isinstance(value, dict) or sorted(map(str, value)) != sorted(KEYS):
        raise Unfit("bad-act", f"an act has the keys {', '.join(KEYS)}, and no others")
    identity, seed, given = value["id"], value["seed"], value["with"]
    if not isinstance(identity, str) or type(seed) is not int or not isinstance(given, dict):
        raise Unfit("bad-act", "an act has an id, a whole number as seed, and parameters")
    kind = make_kind(kind_named(value["do"]), given)
    return Act(identity, kind, _names(value["on"]), _names(value["to"]), seed)


def kind_named(name: object) -> type[Kind]:
    """The kind of that name. Raises Unfit with the nearest one."""
    if not isinstance(name, str) or name not in KINDS:
        raise Unfit("unknown-fault", f"no fault is called {name!r}; {nearest_fault(str(name))}")
    return KINDS[name]


def make_kind(kind: type[Kind], given: dict[str, object]) -> Kind:
    """A fault of that kind. Raises Unfit for what is unknown, missing or out of range."""
    parameters = parameters_of(kind)
    for key in given:
        if key not in parameters:
            raise Unfit("unknown-parameter", f"{kind.NAME}: no {key!r}; {nearest(key, parameters)}")
    values = dict[str, object]()
    for key, (field, parameter) in parameters.items():
        if key in given:
            try:
                values[field.name] = parameter.read(given[key])
            except Refusal as refusal:
                raise Unfit(refusal.code, f"{kind.NAME}: {key}: {refusal.reason}") from None
        elif required(field):
            raise Unfit(
                "missing-parameter",
                f"{kind.NAME}: {key} is missing; give {parameter.form}: {parameter.about}",
            )
    build: Callable[..., Kind] = kind
    return build(**values)


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise Unfit("bad-act", f"{value!r} is no list of names")
    return tuple(value)
