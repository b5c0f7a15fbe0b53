"""What the page says of failures, and that it goes on after them."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import expect

from gateway.body import MIN_BYTES_PER_S
from tests import web
from tests.browser.conftest import OpenPage
from tests.browser.visit import PATIENCE_MS, Visit, payload
from tests.conftest import StartGateway
from tests.unit.gateway.conftest import until

TOKEN = "3f1c0e5ab77e4c5f9f0d6f2c8a9be001"
STALL_TIMEOUT_S = PATIENCE_MS / 1000


def test_a_file_that_is_no_picture(visit: Visit) -> None:
    visit.expected = {400}
    visit.give(payload("photo.jpg", b"this is no picture", "image/jpeg"))
    said = visit.failed(40004)
    assert "JPEG, PNG, WebP" in said
    assert "this browser cannot show the file" in visit.texts("figcaption")[0]
    expect(visit.page.locator("#status")).to_be_empty()
    visit.screenshot("bad_picture")
    visit.sample()
    visit.answered()
    expect(visit.page.locator("#failure")).to_be_hidden()


def test_an_empty_file(visit: Visit) -> None:
    visit.expected = {400}
    visit.give(payload("empty.png", b""))
    visit.failed(40004)


def test_a_token_is_asked_for_where_one_is_needed(
    open_page: OpenPage, another_gateway: StartGateway, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{TOKEN}\n")
    visit = open_page(another_gateway(token_file=str(tokens)))
    visit.expected = {401}
    visit.sample()
    visit.failed(40101)
    expect(visit.page.locator("#token")).to_be_focused()
    visit.screenshot("token_needed")
    for wrong in ("a wrong token", "令牌"):
        visit.page.fill("#token", wrong)
        visit.page.press("#token", "Enter")
        expect(visit.page.locator("#failure")).to_be_visible()
    visit.page.fill("#token", TOKEN)
    visit.page.press("#token", "Enter")
    visit.answered()
    code = visit.page.locator("#code").inner_text()
    assert TOKEN not in code
    assert code.count("MODELHUB_TOKEN") == 2
    assert TOKEN not in visit.page.url


def refuses(url: str) -> bool:
    """Whether a gateway has no place for another body."""
    reply = web.post(f"{url}/api/predict/ocr", content=b"{", timeout=STALL_TIMEOUT_S)
    return reply.status_code == 429


@contextmanager
def half_sent_body(url: str) -> Iterator[None]:
    """Within the block a body that is not sent to its end has the only place of a gateway with one."""
    parts = urlsplit(url)
    sent = bytes(int(STALL_TIMEOUT_S * MIN_BYTES_PER_S))  # so much may be on its way for as long
    head = f"POST /api/predict/ocr HTTP/1.1\r\nHost: x\r\nContent-Length: {len(sent) + 1}\r\n\r\n"
    with socket.create_connection((parts.hostname, parts.port or 80)) as caller:
        caller.sendall(head.encode() + sent)
        until(lambda: refuses(url), STALL_TIMEOUT_S)
        yield
    until(lambda: not refuses(url), STALL_TIMEOUT_S)


def test_a_refused_request(open_page: OpenPage, another_gateway: StartGateway) -> None:
    url = another_gateway(max_arriving=1, deadline_s=STALL_TIMEOUT_S)
    visit = open_page(url)
    visit.expected = {429}
    with half_sent_body(url):
        visit.sample()
        said = visit.failed(42901)
        assert "wait 1 s" in said
        visit.screenshot("refused")
    expect(visit.page.locator("#go")).to_be_enabled()
    visit.page.click("#go")
    visit.answered()


def test_a_gateway_that_is_gone(visit: Visit) -> None:
    visit.sample()
    visit.answered()
    asks: list[Callable[[], None]] = [lambda: visit.page.click("#go"), lambda: visit.sample(1)]
    for ask in asks:
        visit.page.context.set_offline(True)
        ask()
        expect(visit.page.locator("#failure")).to_contain_text("Is it running")
        visit.page.context.set_offline(False)
        visit.page.click("#go")
        visit.answered()
    visit.said = [line for line in visit.said if "ERR_INTERNET_DISCONNECTED" not in line]


def test_an_answer_that_the_page_cannot_show_is_there_as_json(visit: Visit) -> None:
    visit.page.route(
        "**/api/predict/object_detection",
        lambda route: route.fulfill(json={"request_id": "1", "success": True, "detection_boxes": None}),
    )
    visit.choose("object_detection")
    visit.sample()
    expect(visit.page.locator("#failure")).to_contain_text("below as JSON")
    expect(visit.page.locator("#json")).to_contain_text('"detection_boxes": null')
