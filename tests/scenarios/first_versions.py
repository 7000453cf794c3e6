"""What is otherwise with the first versions: langchain, langgraph and langchain-core 1.0.0.

The whole list is played with them too, but for what follows. Inner runs have other names and agents
do not say that they are any, so that span trees are not compared.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

ARE_FIRST: Final = version("langchain") == "1.0.0"

NOT_THERE_YET: Final = {
    "summarising middleware": "SummarizationMiddleware takes other settings",
    "call that a human edits": "HumanInTheLoopMiddleware tells the edit in other messages",
    "call that a human rejects": "HumanInTheLoopMiddleware puts the rejection in other words",
    "call that a human answers": "HumanInTheLoopMiddleware knows no `respond`",
    "several calls under review": "HumanInTheLoopMiddleware knows no `respond`",
    "calls that are reviewed one by one": "HumanInTheLoopMiddleware knows no `interrupt_mode`",
    "review that another process answers": "it puts the rejection in other words",
}
"""Scenarios that the frameworks play otherwise: what is recorded is what they did."""

RECORDED_OTHERWISE: Final = {
    "tool that is tried again": "runs tell no call id before langchain-core 1.1.2: attempts that"
    " failed are observations of their own",
    "agents that hand over to each other": "for the same reason a hand-over counts twice",
    "two questions of one node": "a resumed node's first question is said again",
    "two questions at once": "the answer to one of two questions does not end the turn",
    "breakpoint before a node": "before langgraph 1.1.7 nobody tells of a static breakpoint",
    "breakpoint after a node": "before langgraph 1.1.7 nobody tells of a static breakpoint",
    "question that is edited": "a run from an earlier checkpoint is a side call, no branch",
    "first question that is edited": "a run from an earlier checkpoint is a side call, no branch",
}
"""Scenarios of which the first versions tell too little; `docs/recorded.md` names them."""

LEFT_OUT: Final = NOT_THERE_YET | RECORDED_OTHERWISE if ARE_FIRST else {}
