"""All controllers of the core; plugins add theirs by the hook `routes`."""

from __future__ import annotations

from typing import Any, Final

from governance.http.ballots import BallotsController, OrdersController
from governance.http.delegations import DelegationsController
from governance.http.docs import DocsController
from governance.http.events import EventsController
from governance.http.health import HealthController
from governance.http.instance import InstanceController
from governance.http.joint import JointController
from governance.http.roadmap import RoadmapController
from governance.http.spaces import CommitmentsController, MembersController, SpacesController
from governance.http.static_logs import StaticController
from governance.http.votes import VotesController

CONTROLLERS: Final[tuple[Any, ...]] = (
    InstanceController,
    SpacesController,
    MembersController,
    RoadmapController,
    CommitmentsController,
    DelegationsController,
    JointController,
    OrdersController,
    BallotsController,
    VotesController,
    EventsController,
    StaticController,
    HealthController,
    DocsController,
)
