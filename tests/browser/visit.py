"""Somebody's visit to the page."""

import base64
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import ConsoleMessage, FilePayload, Page, Request, expect

from embedded.paths import ROOT

SCREENSHOTS = ROOT / "out" / "page"
PATIENCE_MS = 120_000
"""A busy machine is no failure; the tests say nothing of speed."""
expect.set_options(timeout=PATIENCE_MS)
LOGS_VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`refused by policy: ${event.effectiveDirective} ${event.blockedURI}`));"""
REFUSAL = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")
"""What Chromium itself says on its console of a failure that it was answered."""


class Visit:
    """A page, with all that it asked for and all that its console said."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.asked = list[str]()
        self.said = list[str]()
        self.expected = set[int]()
        """Statuses of failures that the test provokes."""
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", self._note_request)
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.add_init_script(LOGS_VIOLATIONS)
        page.goto(url)
        expect(page.locator("#service option").first).to_be_attached()

    def _note_request(self, request: Request) -> None:
        self.asked.append(request.url)

    def _note_message(self, message: ConsoleMessage) -> None:
        refused = REFUSAL.match(message.text)
        if not (refused and int(refused[1]) in self.expected):
            self.said.append(message.text)

    def assert_well_behaved(self) -> None:
        """Nothing on the console, and no request to anybody but the gateway."""
        assert self.said == []
        assert [url for url in self.asked if not url.startswith((f"{self.url}/", "blob:"))] == []

    def choose(self, service: str) -> None:
        self.page.select_option("#service", service)

    def sample(self, index: int = 0) -> None:
        self.page.locator("#samples button").nth(index).click()

    def give(self, *files: Path | FilePayload) -> None:
        """Choose files, one for each slot."""
        for index, file in enumerate(files):
            self.page.set_input_files(f"#choose-{index}", [file])  # type: ignore[arg-type]  # one of its types

    def answered(self, text: str = "answered in") -> None:
        expect(self.page.locator("#status")).to_contain_text(text)

    def failed(self, code: int) -> str:
        """Wait for that failure; return what is said of it."""
        panel = self.page.locator("#failure")
        expect(panel).to_contain_text(str(code))
        return panel.inner_text()

    def texts(self, selector: str) -> list[str]:
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]

    def canvas(self, index: int = 0) -> NDArray[np.uint8]:
        """What a canvas shows, [height, width, 3]."""
        url: str = self.page.locator("canvas").nth(index).evaluate("canvas => canvas.toDataURL()")
        file = base64.b64decode(url.partition(",")[2])
        return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))

    def screenshot(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file of them."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def payload(name: str, content: bytes, kind: str = "image/png") -> FilePayload:
    """A file to choose."""
    return {"name": name, "mimeType": kind, "buffer": content}


def widths(visit: Visit, selectors: Sequence[str]) -> list[float]:
    """How far to the right the elements reach."""
    boxes = [visit.page.locator(one).first.bounding_box() for one in selectors]
    return [box["x"] + box["width"] for box in boxes if box]
