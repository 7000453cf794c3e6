"""All sittings of the tables, and those of one stream by its name."""

from __future__ import annotations

from tests.recordings.expected_agents import AGENTS
from tests.recordings.expected_chains import CHAINS
from tests.recordings.expected_graphs import GRAPHS

SITTINGS = (*AGENTS, *CHAINS, *GRAPHS)
ALONE = {sitting.streams[0]: sitting for sitting in SITTINGS if len(sitting.streams) == 1}
