"""From words on the command line to what is proposed, and from a node's answer back to it."""

from collections.abc import Callable

from chain.genesis import Genesis
from chain.primitives.did import parse_did
from chain.primitives.errors import Refusal
from chain.transactions.governance_actions import (
    ACTIONS,
    CHANGEABLE,
    Action,
    ChangeAuthorities,
    read_action,
)
from p2p.api.client import ApiError
from p2p.api.governance_views import ActionView

USAGE = {
    "auth.add": "auth.add WHO...",
    "auth.remove": "auth.remove WHO...",
    "auth.replace": "auth.replace WHO,WHO,... BY,BY,...",
    "org.admit": "org.admit WHO",
    "org.suspend": "org.suspend WHO",
    "org.remove": "org.remove WHO",
    "org.role": "org.role WHO ROLE grant|revoke",
    "param": f"param {'|'.join(CHANGEABLE)} NUMBER",
}
GRANTS = {"grant": True, "revoke": False}

Resolve = Callable[[str], bytes]
"""The 32-byte id of a name or a DID. Raises Refusal."""


def parse_action(words: list[str], resolve: Resolve) -> Action:
    """What `ACTION ARGUMENT...` proposes. Raises Refusal, with how the action is written."""
    name, *given = words
    if name not in ACTIONS:
        raise Refusal("unknown-action", f"{name!r} cannot be proposed; known: {', '.join(ACTIONS)}")
    match name, given:
        case "auth.add", [_, *_]:
            return ChangeAuthorities((), _ids(given, resolve))
        case "auth.remove", [_, *_]:
            return ChangeAuthorities(_ids(given, resolve), ())
        case "auth.replace", [old, new]:
            gone, come = _ids(old.split(","), resolve), _ids(new.split(","), resolve)
            return read_action(name, [list(gone), list(come)])
        case (("org.admit" | "org.suspend" | "org.remove"), [who]):
            return read_action(name, [resolve(who)])
        case "org.role", [who, role, grant] if grant in GRANTS:
            return read_action(name, [resolve(who), role, GRANTS[grant]])
        case "param", [parameter, number] if number.isascii() and number.isdecimal():
            return read_action(name, [parameter, int(number[:20])])
    raise Refusal("usage", f"{' '.join(words)!r}: write {USAGE[name]}")


def action_of(view: ActionView, genesis: Genesis) -> Action:
    """What a node's answer shows, so that a vote is on what was shown and on nothing else.

    Raises ApiError when the node's own hash is of something else.
    """

    def did(text: str | None) -> bytes:
        return parse_did(text or "", genesis.network)

    match view.name:
        case "auth.add" | "auth.remove" | "auth.replace":
            gone, come = (tuple(map(did, texts)) for texts in (view.removed, view.added))
            return ChangeAuthorities(gone, come)
        case "org.role":
            return read_action(view.name, [did(view.identity), view.role, view.granted])
        case "param":
            return read_action(view.name, [view.parameter, view.value])
        case "org.admit" | "org.suspend" | "org.remove":
            return read_action(view.name, [did(view.identity)])
    raise ApiError(422, "unknown-action", f"the node speaks of {view.name!r}; known: {ACTIONS}")


def _ids(names: list[str], resolve: Resolve) -> tuple[bytes, ...]:
    ids = sorted(resolve(name) for name in names)
    if len(set(ids)) != len(ids):
        raise Refusal("change-order", f"{', '.join(names)}: somebody is named twice")
    return tuple(ids)
