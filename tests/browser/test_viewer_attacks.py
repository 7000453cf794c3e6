"""What a hostile model or user would write, in every recorded field, seen in the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.browser.serving import Watched, serving
from tests.browser.test_pages_in_a_browser import FOREIGN, OPEN_ALL
from tests.fake_store import FakeStore
from tests.pages.attacks import ATTACKS, attacked
from tests.samples import NOW, all_samples

from threadline.model.figures import Bucket, Figures
from threadline.model.span import Usage
from threadline.model.stretch import Stretch
from threadline.server.addresses import address, conversation_address
from threadline.store.outbox import Backlog, DestinationState, ListedRow

if TYPE_CHECKING:
    from collections.abc import Generator

    from playwright.sync_api import Browser, BrowserContext

    from threadline.model import Conversation, Page, SearchHit

SAMPLES: Final = {one.thread_id: one for one in all_samples()}
TRIP: Final = SAMPLES["trip-0412"]
QUICK: Final = {name: attack for name, attack in ATTACKS.items() if len(attack) < 5_000}

# What the viewer itself brings, beside what a page of the renderer may hold.
OURS: Final = (
    *("SCRIPT", "LINK", "NAV", "FORM", "INPUT", "BUTTON", "LABEL", "SELECT", "OPTION", "DATALIST"),
    *("FIELDSET", "LEGEND", "CAPTION", "MARK", "path", "text"),
)


class HostileStores:
    """Answers with one conversation that is hostile in all its fields, and nothing else."""

    path = None

    def __init__(self) -> None:
        self.attack = ""
        self.conversation: Conversation = TRIP

    @property
    def clock(self) -> Any:
        class Stopped:
            def now_ns(self) -> int:
                return NOW

        return Stopped()

    def turn_to(self, attack: str) -> None:
        """Go over to another attack."""
        self.attack = attack
        self.conversation = attacked(TRIP, attack)

    def reader(self) -> Any:
        return HostileReader(self.conversation, self.attack)

    figures_reader = reader

    def outbox(self) -> Any:
        return HostileOutbox(self.attack)

    def close(self) -> None:
        """Nothing is open."""


class HostileReader(FakeStore):
    """Gives what pages ask for."""

    def __init__(self, conversation: Conversation, attack: str) -> None:
        super().__init__(None, conversation)
        self._attack = attack

    def stretch(self, thread_id: str, **asked: Any) -> Stretch:
        [one] = self.held
        return Stretch(
            conversation=one,
            first=3,
            number=3,
            length=len(one.turns) + 9,
            turn_count=9,
            message_count=9,
        )

    def search(self, text: str, limit: int = 20, **filters: Any) -> Page[SearchHit]:
        return super().search("", limit, tenant=None)

    def follow(self, **asked: Any) -> Any:
        return Quiet()

    def began_ns(self) -> int:
        return NOW

    def figures(self, *, first_ns: int, length_ns: int, count: int) -> Figures:
        usage = {self._attack: Usage(input_tokens=3, output_tokens=4)}
        bucket = Bucket(start_ns=first_ns, turns=1, durations_ns=(5,), tokens=usage)
        return Figures(length_ns=length_ns, buckets=(bucket,) * count)


class Quiet:
    """Nothing is new."""

    def changes(self) -> tuple[Any, ...]:
        return ()


class HostileOutbox:
    """A destination whose name and whose answers are hostile."""

    def __init__(self, attack: str) -> None:
        self._attack = attack

    def backlogs(self) -> dict[str, Backlog]:
        return {self._attack: Backlog(1, 1, NOW)}

    def states(self) -> dict[str, DestinationState]:
        return {self._attack: DestinationState(failures=2, error=self._attack)}

    def listed(self, *asked: Any, **more: Any) -> list[ListedRow]:
        one = self._attack
        return [ListedRow(one, one, one, is_put_aside=True, attempts=1, reason=one, thread_id=one)]


@pytest.fixture(scope="module")
def stores() -> HostileStores:
    return HostileStores()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Generator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1000, "height": 800})
    yield made
    made.close()


@pytest.fixture(scope="module")
def watched(context: BrowserContext, stores: HostileStores) -> Generator[Watched]:
    with serving(None, stores=stores) as served:
        made = Watched(context, served)
        yield made
        made.page.close()


def foreign_in(page: Any) -> list[str]:
    """Return elements and attributes that neither the renderer nor the viewer brings."""
    found = page.evaluate(FOREIGN)
    own = (
        "A href=/",
        "A href=#main",
        "FORM action=/",
        "LINK href=/static/",
        "SCRIPT src=/static/viewer.js",
    )
    return [one for one in found if one not in OURS and not one.startswith(own)]


@pytest.mark.parametrize("attack", QUICK.values(), ids=list(QUICK))
def test_no_attack_acts_in_the_viewer(watched: Watched, stores: HostileStores, attack: str) -> None:
    """In a list, a search, a conversation, a turn with its trace, figures and delivery."""
    stores.turn_to(attack)
    [thread, turn] = [stores.conversation.thread_id, stores.conversation.turns[0].id]
    places = [
        "/",
        address("/search", q=attack or "x", user=attack),
        conversation_address(thread),
        address("/turn", id=turn),
        "/figures",
        "/delivery",
        address("/conversation", id=attack, turn=attack, first=attack),
    ]
    for place in places:
        page = watched.open(place)
        page.evaluate(OPEN_ALL)
        page.keyboard.press("Tab")
        page.mouse.move(400, 400)
        assert foreign_in(page) == []
        assert page.title().endswith("· Threadline")
        assert page.evaluate("document.scripts.length") == 1
    told = [one for one in watched.happened if "404" not in one and "400" not in one]
    watched.happened.clear()
    assert told == []


def test_a_hostile_filter_is_told_and_does_nothing(watched: Watched) -> None:
    """What stands in an address is shown as words, wherever it is shown."""
    watched.happened.clear()
    for attack in QUICK.values():
        page = watched.open(address("/search", q=attack, since=attack, rating=attack))
        assert foreign_in(page) == []
        assert page.title().endswith("· Threadline")
