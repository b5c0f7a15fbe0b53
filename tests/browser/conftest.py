"""A browser, and pages of it that are watched: what they ask for, and what goes wrong on them."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import NoBrowserError, chromium, fonts_configuration
from tests.browser.visit import Visit

HERE = Path(__file__).parent
FETCHING_S = 600

OpenPage = Callable[..., Visit]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(FETCHING_S))  # the first one may have to fetch the browser


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Ended with the last test here: an event loop runs beneath it, which other tests want for themselves."""
    try:
        found = chromium()
    except NoBrowserError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("fonts")
    (folder / "fonts.conf").write_text(fonts_configuration(folder / "cache"))
    environment = {**os.environ, **found.environment, "FONTCONFIG_FILE": str(folder / "fonts.conf")}
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found.executable, env=dict(environment))
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, gateway_url: str) -> Iterator[OpenPage]:
    """Opens the page of a gateway, by default that of all tests; at the end nothing may have gone wrong."""
    visits = list[Visit]()
    with ExitStack() as stack:

        def opened(url: str = gateway_url, **options: object) -> Visit:
            wanted = {"locale": "en-GB", "viewport": {"width": 1280, "height": 900}, **options}
            context = browser.new_context(**wanted)  # type: ignore[arg-type]  # as playwright checks itself
            stack.callback(context.close)
            visits.append(Visit(context.new_page(), url))
            return visits[-1]

        yield opened
        for visit in visits:
            visit.assert_well_behaved()


@pytest.fixture
def visit(open_page: OpenPage) -> Visit:
    """The page as most see it."""
    return open_page()
