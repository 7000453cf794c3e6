"""The viewer in a real browser: what it looks like, who can use it, and that nothing in it acts."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from tests.browser.serving import Served, Watched, serving
from tests.browser.shown import ARABIC, HUGE, PICTURE, make_shown
from tests.browser.test_pages_in_a_browser import CONTRASTS
from tests.samples import NOW, SECOND

import threadline
from threadline import Client

if TYPE_CHECKING:
    from collections.abc import Generator

    from playwright.sync_api import Browser, BrowserContext, Page

PICTURES: Final = Path(__file__).parents[2] / ".cache" / "screenshots"
"""Where people look at them; CI keeps the folder."""

PAGES: Final = {
    "list": "/",
    "list filtered": "/?status=error&since=2026-11-01",
    "list empty": "/?user=nobody",
    "search": "/search?q=rome+tomorrow",
    "search nothing": "/search?q=zebra",
    "parallel tools": "/conversation?id=trip-0412",
    "error": "/conversation?id=support-31",
    "interrupted": "/conversation?id=support-32",
    "retrieval": "/conversation?id=library-5",
    "long answer": "/conversation?id=0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f",
    "picture": f"/conversation?id={PICTURE}",
    "right to left": f"/conversation?id={ARABIC}",
    "2,500 turns": f"/conversation?id={HUGE}",
    "trace": "/turn?id=0192f0c1-7b1e-7cc3-98c4-000000000000",
    "figures": "/figures?span=7d",
    "figures all": "/figures?span=all",
    "delivery": "/delivery",
    "not there": "/conversation?id=nobody",
}


class StoppedClock:
    """It is shortly after the newest of the samples."""

    def now_ns(self) -> int:
        return NOW + 4 * 3600 * SECOND

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shown") / "shown.db"
    make_shown(path)
    return path


@pytest.fixture(scope="module")
def served(shown: Path) -> Generator[Served]:
    with serving(shown, clock=StoppedClock()) as one:
        yield one


@pytest.fixture(scope="module")
def context(browser: Browser) -> Generator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1200, "height": 860})
    yield made
    made.close()


@pytest.fixture
def watched(context: BrowserContext, served: Served) -> Generator[Watched]:
    made = Watched(context, served)
    yield made
    made.page.close()


def pictured(page: Page, name: str) -> None:
    """Keep a picture of a page, for people to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name.replace(' ', '-').replace(',', '')}.png")


def open_traces(page: Page) -> None:
    """Open everything that is folded; traces are fetched."""
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    expect(page.locator("details[open][data-from]")).to_have_count(0)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_looked_at(watched: Watched, name: str) -> None:
    """In light, in dark and on a phone it fits and can be read; nothing is asked of elsewhere."""
    page = watched.open(PAGES[name])
    for look, width, scheme in _LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 860})
        pictured(page, f"{name} {look}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CONTRASTS) == []
    assert [told for told in watched.happened if "404" not in told] == []


_LOOKS: Final[tuple[tuple[str, int, Any], ...]] = (
    ("light", 1200, "light"),
    ("dark", 1200, "dark"),
    ("phone", 360, "light"),
)


def test_a_conversation_prints_without_what_one_clicks(watched: Watched) -> None:
    """Paper has no search box and no thumbs."""
    page = watched.open(PAGES["parallel tools"])
    page.emulate_media(media="print")
    pictured(page, "print")
    for name in (".top", ".rate", ".skip"):
        assert not page.locator(name).first.is_visible()
    assert page.locator(".said.user").first.is_visible()


@pytest.mark.parametrize("name", PAGES)
def test_axe_has_no_serious_finding(watched: Watched, name: str) -> None:
    """Checked with all that is folded opened, in the browser's own accessibility tree."""
    page = watched.open(PAGES[name])
    if name != "2,500 turns":
        open_traces(page)
    found = Axe().run(page)
    serious = [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}"
        for one in found.response["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
    assert serious == []
    assert found.response["passes"]


@pytest.mark.parametrize("name", PAGES)
def test_headings_and_labels_tell_where_one_is(watched: Watched, name: str) -> None:
    """One h1, no level left out, every field named, a title of its own."""
    page = watched.open(PAGES[name])
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(one => +one.tagName[1])"
    )
    assert levels.count(1) == 1
    assert levels[0] == 1
    body = [level for level in levels if level <= 3]
    assert all(after <= before + 1 for before, after in itertools.pairwise(body))
    unnamed = page.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden]),select,textarea')]"
        ".filter(one => !one.labels.length).length"
    )
    assert unnamed == 0
    assert page.title().endswith("· Threadline")


def test_what_a_model_saw_stands_below_its_span(watched: Watched) -> None:
    """The waterfall is open, and one click shows the messages, the tools and the parameters."""
    page = watched.open(PAGES["trace"])
    row = page.locator(".trace .row", has=page.locator(".kind.llm")).last
    assert row.is_visible()
    assert row.locator("svg.bar rect").count() == 1
    row.locator("summary").click()
    pictured(page, "trace opened")
    told = row.inner_text()
    for words in ("Be kind.", "Which is drier tomorrow, Paris or Rome?", "temperature=0.2"):
        assert words in told


def focused(page: Page) -> str:
    """Say what has the focus."""
    return page.evaluate(
        "(() => { const one = document.activeElement; return [one.tagName, one.name || '',"
        " one.textContent.trim().slice(0, 24)].join('|'); })()"
    )


def test_a_walk_by_the_keyboard(watched: Watched) -> None:
    """From the top to the content, into a conversation, its trace open, a thumb given."""
    page = watched.open("/search?q=drier")
    page.keyboard.press("Tab")
    assert focused(page) == "A||Skip to the content"
    assert page.locator(".skip").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page).startswith("SUMMARY")  # the filters
    page.keyboard.press("Tab")
    assert focused(page).startswith("A||Which is drier")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/conversation?id=trip-0412" in page.url
    page.locator("#turns .trace > summary").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#turns .trace .row")
    page.keyboard.press("Tab")
    assert focused(page).startswith("A||Open the trace")
    page.locator("#turns .rate button").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#turns .note:has-text('rated +1 by reviewer')")


def test_every_thing_one_can_act_on_is_reached_and_seen(watched: Watched) -> None:
    """Tab reaches all of them in their order, and each shows that it has the focus."""
    page = watched.open(PAGES["retrieval"])
    count = page.evaluate(
        "[...document.querySelectorAll('a,button,input:not([type=hidden]),summary')]"
        ".filter(one => one.checkVisibility()).length"
    )
    reached: list[str] = []
    for _ in range(count):
        page.keyboard.press("Tab")
        reached.append(focused(page))
        outline = page.evaluate(
            "(() => { const one = document.activeElement; const style = getComputedStyle(one);"
            " return style.outlineStyle !== 'none' || one.matches('.rows .what, .skip'); })()"
        )
        assert outline, reached[-1]
    assert len([one for one in reached if not one.startswith("BODY")]) == count


def test_five_thousand_messages_load_as_one_scrolls(watched: Watched) -> None:
    """The first turns are there at once, the rest comes; going to the end does not freeze."""
    page = watched.open(PAGES["2,500 turns"])
    assert page.locator("#turns > .turn").count() == 20
    page.mouse.move(600, 400)
    page.mouse.wheel(0, 100_000)
    expect(page.get_by_text("Question 35: what comes next?")).to_have_count(1)
    page.get_by_role("link", name="Newest turns").click()
    page.wait_for_selector("text=Question 2499: what comes next?")
    assert page.locator("h2", has_text="Turn 2500").count() == 1
    page.get_by_role("link", name="Earlier turns").click()
    page.wait_for_selector("text=Question 2465: what comes next?")
    expect(page.locator("#turns > .turn")).to_have_count(40)
    assert watched.happened == []


def test_a_page_never_grows_so_long_that_it_freezes(watched: Watched) -> None:
    """From 600 turns on the link leads to a page of its own, on which it goes on."""
    page = watched.open(f"/conversation?id={HUGE}&limit=200")
    for stop in (400, 600):
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        page.wait_for_selector(f"#turns > .turn:nth-child({stop})", state="attached")
    page.locator("#turns .trace > summary").last.click()
    page.wait_for_selector("#turns .trace .row")
    with page.expect_navigation():
        page.get_by_role("link", name="Later turns").click()
    page.wait_for_selector("text=Question 600: what comes next?")
    assert page.locator("#turns > .turn").count() < 600


def test_a_search_leads_to_the_place_where_it_was_said(watched: Watched) -> None:
    """In the middle of a long conversation too."""
    page = watched.open("/search?q=%22Question+1234%22")
    page.locator(".hits a", has_text="Question 1234").first.click()
    page.wait_for_url("**/conversation?*")
    # A browser goes to the place once the page is whole; its words are seen before that.
    expect(page.locator(":target")).to_contain_text("Question 1234: what comes next?")
    assert "Question 1230" not in page.locator("#turns").inner_text()


def test_a_thumb_and_a_comment_by_a_click(watched: Watched) -> None:
    """The turn shows them without a reload, and the store has them."""
    page = watched.open(PAGES["right to left"])
    page.get_by_label("Comment on this turn").fill("Very clear <b>answer</b>")
    page.get_by_role("button", name="Bad").click()
    page.wait_for_selector(".note:has-text('rated -1 by reviewer: Very clear <b>answer</b>')")
    page.get_by_label("Comment on this turn").fill("On second thoughts")
    page.get_by_role("button", name="Comment only").click()
    page.wait_for_selector(".note:has-text('feedback: On second thoughts')")
    turn = watched.served.viewer.stores.reader().conversation(ARABIC).turns[0]
    assert [(r.value, r.comment) for r in turn.ratings] == [(-1.0, "Very clear <b>answer</b>")]
    assert [one.text for one in turn.feedback] == ["On second thoughts"]
    assert watched.happened == []


def test_what_is_recorded_shows_up_by_itself(watched: Watched) -> None:
    """In the list, and in a conversation that is open, while somebody looks."""
    store = watched.served.viewer.stores.path
    with Client(store=store, ship=False, min_free_bytes=0) as client:
        page = watched.open("/")
        page.wait_for_selector("#rows li")
        threadline.log(
            thread_id="live-1",
            messages=[
                {"role": "user", "content": "Is anybody there?"},
                {"role": "assistant", "content": "Just arrived."},
            ],
            client=client,
        )
        client.flush()
        page.wait_for_selector("#rows a:has-text('Is anybody there?')")
        page.goto(f"{watched.served.base}/conversation?id=live-1")
        page.wait_for_selector("#turns .said")
        threadline.log(
            thread_id="live-1",
            messages=[
                {"role": "user", "content": "Still there?"},
                {"role": "assistant", "content": "Still."},
            ],
            client=client,
        )
        client.flush()
        page.wait_for_selector("#turns .said:has-text('Still.')")
    assert watched.happened == []


def test_charts_have_their_numbers_behind_them(watched: Watched) -> None:
    """A picture is named, and a table says the same."""
    page = watched.open("/figures?span=7d")
    charts = page.locator("figure.chart")
    assert charts.count() == 5
    for place in range(5):
        chart = charts.nth(place)
        assert chart.locator("svg[role=img]").get_attribute("aria-label")
        chart.locator("summary").click()
        assert chart.locator("tbody tr").count() == 28
    rows = page.locator("figure.chart").first.locator("tbody td").all_inner_texts()
    assert sum(int(one.replace(",", "")) for one in rows) > 100


def test_without_script_everything_is_still_a_link(browser: Browser, served: Served) -> None:
    """The script only saves reloads."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served.entrance)
    page.goto(f"{served.base}/conversation?id={HUGE}")
    page.get_by_role("link", name="Later turns").click()
    expect(page.get_by_text("Question 21: what comes next?")).to_have_count(1)
    page.locator("#turns .trace > summary").first.click()
    page.locator("#turns .trace a").first.click()
    page.wait_for_url("**/turn?id=*")
    page.get_by_role("button", name="Good").click()
    expect(page.get_by_text("rated +1 by reviewer")).to_have_count(1)
    context.close()
