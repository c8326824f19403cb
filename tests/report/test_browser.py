"""The report in a real Chromium: it asks for nothing, obeys nothing, fits a phone, and its charts are drawn."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from resumable.report import document
from resumable.storage.job_files import REPORT, JobFiles
from tests.report.browser import LOOKS, NEEDED, Look, chromium, opened
from tests.support import manifest_jobs as jobs
from tests.support.clock import VirtualClock

pytestmark = [NEEDED, pytest.mark.xdist_group("chromium")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this file."""
    with chromium() as browser:
        yield browser


OBEYED = "<script>document.title='obeyed'<img src=x onerror=\"document.title='obeyed'\">"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Reports of an eventful, a complete, a hostile and a new job."""
    state, clock = tmp_path_factory.mktemp("state"), VirtualClock()
    jobs.make(state, clock, name="planned").close()
    folders = {
        "eventful": jobs.eventful(state, clock),
        "complete": jobs.complete(state, clock, name="complete"),
        # A job has the name of its folder, which may be anything that is no path.
        "hostile": jobs.hostile(state, clock).rename(state / OBEYED),
        "rested": jobs.rested(state, clock),
        "planned": state / "planned",
    }
    for folder in folders.values():
        document.write(JobFiles.at(folder), None, now=clock.now())
    return {name: folder / REPORT for name, folder in folders.items()}


NAMES = ("eventful", "complete", "hostile", "rested", "planned")


@pytest.mark.parametrize("name", NAMES)
def test_it_asks_for_nothing_and_nothing_in_it_fails(name: str, browser: Browser, reports: dict[str, Path]) -> None:
    """The only address that is asked for is the file itself, and the console stays empty: no error, no refusal."""
    with opened(browser, reports[name], LOOKS["light"]) as found:
        assert found.asked == [reports[name].as_uri()]
        assert found.said == []


@pytest.mark.parametrize("name", NAMES)
def test_nobody_has_to_scroll_sideways(name: str, browser: Browser, reports: dict[str, Path]) -> None:
    """On a small phone, a phone, a tablet and a desk the page is as wide as its window, whatever is in it."""
    with opened(browser, reports[name], Look(width=1200, height=844)) as found:
        for width in (1200, 768, 390, 320):
            found.page.set_viewport_size({"width": width, "height": 844})
            assert found.sideways <= 0, width


def test_hostile_texts_are_shown_and_not_obeyed(browser: Browser, reports: dict[str, Path]) -> None:
    """Scripts and images in names, events, reasons and paths are letters on the page: no element comes of them."""
    with opened(browser, reports["hostile"], LOOKS["light"]) as found:
        page = found.page
        assert page.title() == f"{OBEYED} - resumable"
        assert (
            page.evaluate("document.querySelectorAll('script, img, iframe, object, embed, link, form, a').length") == 0
        )
        assert page.evaluate("document.querySelectorAll('*[onerror], *[onload], *[style]').length") == 0
        assert OBEYED in page.inner_text("h1")
        for title in ("Quarantined", "Windows downloaded again", "What the schema has no place for", "What happened"):
            section = page.locator("section", has=page.locator("h2", has_text=title))
            assert "<script>document.title='obeyed'</script>" in section.inner_text(), title


def test_a_script_would_be_refused_even_if_one_got_in(
    browser: Browser, reports: dict[str, Path], tmp_path: Path
) -> None:
    """The page's own policy is a second wall: a script and an image put into the file do nothing."""
    planted = tmp_path / "planted.html"
    evil = "<script>document.title='obeyed'</script><img src='https://192.0.2.1/x'><style>body{display:none}</style>"
    planted.write_text(reports["complete"].read_text().replace("</body>", f"{evil}</body>"))
    with opened(browser, planted, LOOKS["light"]) as found:
        assert found.page.title() == "complete - resumable"
        assert found.page.is_visible("h1")
        assert len(found.said) >= 3
        assert all("Content Security Policy" in text for text in found.said)


@pytest.mark.parametrize("look", LOOKS)
def test_every_chart_is_drawn_once_and_inside_the_page(look: str, browser: Browser, reports: dict[str, Path]) -> None:
    """Of its two widths a chart shows the one that fits, with bars or lines in it and letters that can be read."""
    with opened(browser, reports["eventful"], LOOKS[look]) as found:
        charts = found.page.locator(".chart")
        assert charts.count() == 4
        for chart in charts.all():
            drawn = [box for box in chart.locator(".drawn").all() if box.is_visible()]
            assert len(drawn) == 1
            box = drawn[0].locator("svg").first.bounding_box()
            assert box is not None
            assert box["width"] > 250
            assert box["height"] > 100
            assert box["x"] + box["width"] <= LOOKS[look].width
            letters = drawn[0].locator("svg text").first.bounding_box()
            assert letters is not None
            assert letters["height"] >= 11
            assert drawn[0].locator("path[d]").count() >= 5


def test_the_dark_page_is_dark_and_its_words_stand_out(browser: Browser, reports: dict[str, Path]) -> None:
    """With a dark scheme the paper is dark; in both, text and muted text have a contrast of 4.5 at least."""
    for look, dark in (("light", False), ("dark", True)):
        with opened(browser, reports["eventful"], LOOKS[look]) as found:
            colour = "getComputedStyle(document.querySelector('{}')).{}"
            paper = _luminance(found.page.evaluate(colour.format("body", "backgroundColor")))
            assert (paper < 0.1) == dark
            for words in ("h1", ".muted", "td.when", ".tile.bad b"):
                ink = _luminance(found.page.evaluate(colour.format(words, "color")))
                assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5, f"{words} in {look}"


def _luminance(colour: str) -> float:
    """Return the relative luminance of `rgb(r, g, b)`, as WCAG defines it."""
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_calendar_has_a_square_for_every_day(browser: Browser, reports: dict[str, Path]) -> None:
    """Each of the 150 days is there once, in the colour of its windows, with what it holds in words."""
    with opened(browser, reports["eventful"], LOOKS["light"]) as found:
        days = found.page.locator(".month svg g")
        assert days.count() == 150
        marks = [found.page.locator(f".month svg .k-{mark}").count() for mark in ("complete", "planned", "quarantined")]
        legend = found.page.locator("section", has_text="Coverage").locator(".legend li").all_inner_texts()
        assert [
            f"{count} {mark}" for count, mark in zip(marks, ("complete", "planned", "quarantined"), strict=True)
        ] == [text.strip() for text in legend]
        assert (days.first.locator("title").text_content() or "").startswith("2023-10-01: complete, ")
