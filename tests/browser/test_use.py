"""How people come to an answer: keyboard, phone, other languages, dropped, pasted and turned pictures."""

import ast
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import JSHandle, expect

from embedded.paths import ROOT
from gateway import samples
from gateway.services import SERVICES
from tests.browser.conftest import OpenPage
from tests.browser.visit import Visit, payload, png, widths

CAT = "chelsea.png"
ODD_NAME = 'it\'s "a" pic;t,ure=1 $HOME \\.png'
PHONE_WIDTH = 360
PHONE = {"viewport": {"width": PHONE_WIDTH, "height": 740}, "is_mobile": True, "has_touch": True}


def cat() -> bytes:
    return samples.files()[CAT].read_bytes()


def tab_to(visit: Visit, selector: str) -> None:
    """Press the tab key until the element has the focus."""
    wanted = visit.page.locator(selector).first
    for _ in range(60):
        visit.page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"the tab key does not reach {selector}")


def test_the_keyboard_alone_is_enough(visit: Visit) -> None:
    keyboard = visit.page.keyboard
    tab_to(visit, "#service")
    for _ in SERVICES:  # by arrows: letters count as one word only if they come within a second of each other
        if visit.page.input_value("#service") == "shelf_counting":
            break
        keyboard.press("ArrowDown")
    assert visit.page.input_value("#service") == "shelf_counting"
    tab_to(visit, "#samples button")
    keyboard.press("Enter")
    visit.answered()
    everything = visit.canvas()
    tab_to(visit, ".found button")
    first = visit.canvas()
    keyboard.press("ArrowDown")
    second = visit.canvas()
    assert (everything != first).any()
    assert (first != second).any()
    keyboard.press("Tab")
    assert visit.page.locator(".found button:focus").count() == 0
    tab_to(visit, "#json")
    tab_to(visit, "#download")


def test_every_control_shows_that_it_has_the_focus(visit: Visit) -> None:
    visit.sample()
    visit.answered()
    visit.page.locator("body").click(position={"x": 1, "y": 1})
    seen = set[str]()
    for _ in range(40):
        visit.page.keyboard.press("Tab")
        told: list[str] = visit.page.evaluate(
            """() => {
                const element = document.activeElement;
                const shown = element.closest(".button") ?? element;
                const name = element.id || element.ariaLabel || element.textContent;
                return [name, getComputedStyle(shown).outlineStyle];
            }"""
        )
        if told[0] and element_is_ours(told[0]):
            assert told[1] != "none", told
            seen.add(told[0])
    assert {"service", "choose-0", "go", "json", "download"} <= seen


def element_is_ours(name: str) -> bool:
    """Behind the last control comes the browser's own, for which the body stands."""
    return len(name) < 100


@pytest.mark.parametrize("service", ["ocr", "shelf_counting", "image_similarity", "image_classification"])
def test_a_phone_is_wide_enough(open_page: OpenPage, service: str) -> None:
    visit = open_page(**PHONE)
    visit.choose(service)
    visit.sample()
    visit.answered()
    expect(visit.page.locator("label.photograph").first).to_be_visible()
    assert visit.page.locator("#photograph-0").get_attribute("capture") == "environment"
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH
    assert max(widths(visit, ["#go", "canvas", "#json", "#service"])) <= PHONE_WIDTH
    visit.screenshot(f"phone_{service}")


def test_without_a_camera_none_is_offered(visit: Visit) -> None:
    expect(visit.page.locator("label.photograph").first).to_be_hidden()


@pytest.mark.parametrize(
    ("locale", "language"), [("zh-CN", "zh-CN"), ("zh-Hant-TW", "zh-CN"), ("en-US", "en"), ("fr-FR", "en")]
)
def test_it_speaks_the_language_of_the_browser(open_page: OpenPage, locale: str, language: str) -> None:
    visit = open_page(locale=locale)
    expect(visit.page.locator("html")).to_have_attribute("lang", language)


def test_chinese_is_chinese_throughout(open_page: OpenPage) -> None:
    visit = open_page(locale="zh-CN")
    visit.choose("shelf_counting")
    visit.sample()
    visit.answered("用时")
    visit.screenshot("chinese")
    for selector in ("#about", "#samples legend", "#go", "#time h2", "#code h2"):
        assert all(any("一" <= sign <= "鿿" for sign in text) for text in visit.texts(selector)[:1])
    visit.page.get_by_role("button", name="English").click()
    visit.answered()
    assert visit.texts("#go") == ["Ask again"]
    visit.page.reload()
    expect(visit.page.locator("#about")).to_contain_text("Each product")


def test_a_failure_is_told_in_the_other_language_too(visit: Visit) -> None:
    visit.expected = {400}
    visit.give(payload("photo.jpg", b"this is no picture", "image/jpeg"))
    visit.failed(40004)
    visit.page.get_by_role("button", name="中文").click()
    expect(visit.page.locator("#failure")).to_contain_text("文件已损坏")


def test_dark_where_the_system_is(open_page: OpenPage) -> None:
    visit = open_page(color_scheme="dark")
    visit.choose("object_detection")
    visit.sample()
    visit.answered()
    brightness = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in brightness.removeprefix("rgb(").removesuffix(")").split(",")) < 64
    visit.screenshot("dark")


def transfer(visit: Visit, *names: str) -> JSHandle:
    """What a browser hands over where files are dropped or pasted."""
    return visit.page.evaluate_handle(
        """async (names) => {
            const transfer = new DataTransfer();
            for (const name of names) {
                const blob = await (await fetch(`samples/${name}`)).blob();
                transfer.items.add(new File([blob], name, { type: blob.type }));
            }
            return transfer;
        }""",
        list(names),
    )


def test_a_picture_can_be_dropped(visit: Visit) -> None:
    visit.page.dispatch_event("body", "drop", {"dataTransfer": transfer(visit, CAT)})
    visit.answered()
    assert visit.texts("figcaption") == ["chelsea.png, 451 × 300"]


def test_two_pictures_can_be_dropped_and_one_replaced(visit: Visit) -> None:
    visit.choose("image_similarity")
    visit.page.dispatch_event("body", "drop", {"dataTransfer": transfer(visit, CAT, "coffee.png")})
    visit.answered()
    visit.page.dispatch_event('[data-slot="1"]', "drop", {"dataTransfer": transfer(visit, CAT)})
    visit.answered("Similarity 100.0")
    assert visit.texts("figcaption") == ["chelsea.png, 451 × 300"] * 2


def test_a_picture_can_be_pasted(visit: Visit) -> None:
    visit.page.evaluate(
        "transfer => document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: transfer}))",
        transfer(visit, CAT),
    )
    visit.answered()


def test_one_picture_of_two_asks_nothing(visit: Visit) -> None:
    visit.choose("image_similarity")
    visit.give(payload("a.png", cat()))
    expect(visit.page.locator("figcaption").first).to_contain_text("a.png")
    expect(visit.page.locator("#go")).to_be_disabled()
    visit.page.set_input_files("#choose-1", [payload("b.png", cat())])
    visit.answered("Similarity 100.0")


def test_a_turned_photo_is_shown_upright(visit: Visit) -> None:
    """What its EXIF says is applied, as by the services: coordinates are those of the upright picture."""
    with Image.open(samples.files()["astronaut.png"]) as picture:
        upright = picture.crop((100, 0, 412, 512))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter, to be turned back clockwise
    buffer = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", quality=95, exif=exif)
    visit.choose("object_detection")
    visit.give(payload("turned.jpg", buffer.getvalue(), "image/jpeg"))
    visit.answered()
    assert visit.texts("figcaption") == ["turned.jpg, 312 × 512"]
    visit.page.get_by_label("Show the answer in the picture").uncheck()
    shown = visit.canvas()
    expected = upright.resize((shown.shape[1], shown.shape[0]))
    assert np.abs(shown.astype(int) - np.asarray(expected)).mean() < 8
    assert "person" in visit.page.locator(".found").inner_text()


def test_a_service_can_be_linked_to(open_page: OpenPage, gateway_url: str) -> None:
    visit = open_page()
    visit.page.goto(f"{gateway_url}/#ocr")
    visit.page.reload()
    expect(visit.page.locator("#service")).to_have_value("ocr")
    visit.page.goto(f"{gateway_url}/#toString")
    visit.page.reload()
    expect(visit.page.locator("#service")).to_have_value(next(iter(SERVICES)))


def lines(visit: Visit, name: str) -> str:
    return visit.page.locator(f"#{name}").inner_text()


def test_the_whole_answer_can_be_downloaded(visit: Visit, tmp_path: Path) -> None:
    visit.sample()
    visit.answered()
    with visit.page.expect_download() as download:
        visit.page.click("#download")
    whole = tmp_path / "whole.json"
    download.value.save_as(whole)
    assert len(json.loads(whole.read_bytes())["class_probs"]) == 1000
    assert "… 994" in lines(visit, "json")
    assert download.value.suggested_filename == "image_classification.json"


def shown_answer(visit: Visit, tmp_path: Path) -> Any:  # noqa: ANN401 - JSON
    with visit.page.expect_download() as download:
        visit.page.click("#download")
    whole = tmp_path / "shown.json"
    download.value.save_as(whole)
    return without_id(json.loads(whole.read_bytes()))


def without_id(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "request_id"}


@pytest.mark.parametrize("service", ["object_detection", "semantic_segmentation", "image_similarity"])
def test_the_lines_beside_the_answer_give_the_same(visit: Visit, tmp_path: Path, service: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    (tmp_path / ODD_NAME).write_bytes(cat())
    visit.choose(service)
    visit.give(*[payload(ODD_NAME, cat())] * len(SERVICES[service].pictures))
    visit.answered()
    expected = shown_answer(visit, tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "client"), "no_proxy": "*"}

    def said(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert without_id(json.loads(said("bash", "-c", lines(visit, "curl")))) == expected
    assert without_id(ast.literal_eval(said(sys.executable, "-c", lines(visit, "python")))) == expected


def test_nothing_is_cut_from_short_json(visit: Visit) -> None:
    random = np.random.default_rng(7)
    for _ in range(50):
        value = {
            "request_id": "ab",
            "number": float(random.normal()),
            "text": "".join(map(chr, random.integers(32, 0x3000, 20))),
            "list": random.integers(0, 9, (random.integers(0, 6), 2)).tolist(),
            "table": {str(key): None for key in range(random.integers(0, 6))},
        }
        assert json.loads(shortened(visit, value)) == value


def test_long_json_is_cut_everywhere(visit: Visit) -> None:
    value = {
        "rows": [[1] * 5000] * 5000,
        "text": "x" * 100_000,
        "table": {f"name {number}": [{"deep": "y" * 9999}] for number in range(1000)},
    }
    short = shortened(visit, value)
    assert len(short) < 3000
    assert all(mark in short for mark in ("… 4994", "… 99880", "… 994"))


def shortened(visit: Visit, value: object) -> str:
    text: str = visit.page.evaluate(
        """async (value) => {
            const module = await import(new URL("page/shorten.js", document.baseURI).href);
            return module.shortened(value);
        }""",
        value,
    )
    return text


def test_a_large_photo_is_shown_and_sent_whole(visit: Visit) -> None:
    random = np.random.default_rng(3)
    pixels = np.kron(random.integers(0, 255, (30, 40, 3)), np.ones((100, 100, 1))).astype(np.uint8)
    visit.choose("semantic_segmentation")
    visit.give(payload("large.png", png(pixels)))
    visit.answered()
    assert visit.texts("figcaption") == ["large.png, 4,000 × 3,000"]
    assert visit.canvas().shape[1] <= 2 * 1280
