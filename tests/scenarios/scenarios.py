"""The list of scenarios: one for all frameworks; drivers play it, in their own shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.scenarios.agents import AGENTS
from tests.scenarios.branches import BRANCHES
from tests.scenarios.chains import CHAINS
from tests.scenarios.chats import CHATS
from tests.scenarios.failures import FAILURES
from tests.scenarios.graphs import GRAPHS
from tests.scenarios.humans import HUMANS
from tests.scenarios.prompts import PROMPTS
from tests.scenarios.scopes import SCOPES
from tests.scenarios.turns import TURNS

if TYPE_CHECKING:
    from tests.scenarios.script import Scenario

SCENARIOS: Final[tuple[Scenario, ...]] = (
    *CHAINS,
    *CHATS,
    *AGENTS,
    *FAILURES,
    *SCOPES,
    *PROMPTS,
    *TURNS,
    *GRAPHS,
    *HUMANS,
    *BRANCHES,
)
