"""Governance at the head: what may be voted on, what was decided, who has a seat, the numbers."""

from typing import Annotated

import trio
from fastapi import APIRouter, Path
from starlette.responses import Response

from p2p.api.governance_present import (
    authorities_view,
    open_views,
    parameters_view,
    proposal_view,
)
from p2p.api.governance_views import (
    AuthoritiesView,
    ParametersView,
    ProposalsView,
    ProposalView,
)
from p2p.api.limits import PATH_TEXT_MAX
from p2p.api.problems import Problem
from p2p.api.requests import parse_hash
from p2p.api.routing import Served, add_get, json_response

ProposalId = Annotated[str, Path(max_length=PATH_TEXT_MAX, description="Proposal id, hex")]


class GovernanceRoutes:
    """Endpoints about governance."""

    def __init__(self, served: Served) -> None:
        self._served = served
        router = self.router = APIRouter(prefix="/v1/governance", tags=["governance"])
        add_get(router, "/proposals", self.proposals, ProposalsView)
        add_get(router, "/proposals/{proposal}", self.proposal, ProposalView, 400, 404, 422)
        add_get(router, "/authorities", self.authorities, AuthoritiesView)
        add_get(router, "/parameters", self.parameters, ParametersView)

    async def proposals(self) -> Response:
        """What may be voted on now, with the votes so far."""
        slot = self._served.node.status().slot
        found: list[ProposalView] = []
        for view in open_views(self._served.ledger, slot):
            found.append(view)
            await trio.lowlevel.checkpoint()
        return json_response(ProposalsView(tuple(found)))

    async def proposal(self, proposal: ProposalId) -> Response:
        """A proposal, open or decided, and every vote on it."""
        identifier = parse_hash(proposal, "proposal")
        slot = self._served.node.status().slot
        view = proposal_view(self._served.ledger, identifier, slot)
        if view is None:
            raise Problem(404, "unknown-proposal", f"nothing was proposed as {proposal}")
        return json_response(view)

    async def authorities(self) -> Response:
        """The authority set in force, and the one that takes over next."""
        return json_response(authorities_view(self._served.ledger))

    async def parameters(self) -> Response:
        """The numbers of the network that votes may change."""
        return json_response(parameters_view(self._served.ledger))
