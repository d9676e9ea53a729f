"""Carrying out what was decided: each action is possible or not, and does one thing.

What is proposed must be possible when it is proposed, and again when it is decided. *Why:* the
first spares voters what cannot happen, the second is what counts; a decision that has become
impossible meanwhile is void, and the vote that made it stands.
"""

from chain.state.journal import State
from chain.transactions.body import Event, Failed
from chain.transactions.governance_actions import (
    Action,
    Admit,
    ChangeAuthorities,
    Remove,
    SetParameter,
    SetRole,
    Suspend,
)
from chain.transactions.governance_change import change_seats, check_change
from chain.transactions.governance_organisations import (
    admit,
    check_admission,
    check_removal,
    check_role,
    check_suspension,
    remove,
    set_role,
    suspend,
)
from chain.transactions.governance_parameters import parameter_of, set_parameter


def check_action(state: State, action: Action) -> None:
    """Raise Failed unless the action could be carried out now."""
    match action:
        case ChangeAuthorities():
            check_change(state, action)
        case Admit(organisation):
            check_admission(state, organisation)
        case Suspend(organisation):
            check_suspension(state, organisation)
        case Remove(organisation):
            check_removal(state, organisation)
        case SetRole(identity, role, granted):
            check_role(state, identity, role, granted)
        case SetParameter(name, value):
            if parameter_of(state, name) == value:
                raise Failed("parameter-unchanged", f"{name} is {value} already")


def carry_out(state: State, action: Action) -> list[Event]:
    """Do what was decided. Raises Failed, with nothing changed, when it is impossible."""
    check_action(state, action)
    match action:
        case ChangeAuthorities():
            return change_seats(state, action)
        case Admit(organisation):
            admit(state, organisation)
            return [("admitted", (organisation,))]
        case Suspend(organisation):
            suspend(state, organisation)
            return [("suspended", (organisation,))]
        case Remove(organisation):
            remove(state, organisation)
            return [("removed", (organisation,))]
        case SetRole(identity, role, granted):
            set_role(state, identity, role, granted)
            return [("role-granted" if granted else "role-revoked", (identity, role))]
        case SetParameter(name, value):
            set_parameter(state, name, value)
            return [("parameter-set", (name, value))]
