"""Each of the ten services on the page: what is shown is what the API answers, and is kept as a picture."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import expect

from gateway import samples
from gateway.services import SERVICES
from modelhub.masks import decode
from modelhub_pictures.voc import VOC_CLASSES
from tests.browser.visit import PATIENCE_MS, Visit

ANNOTATED = sorted(
    set(SERVICES) - {"image_classification", "scene_classification", "image_similarity", "image_colorization"}
)
"""Services whose answers are drawn over the picture."""


@pytest.fixture(scope="module")
def api(gateway_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway_url, timeout=PATIENCE_MS / 1000, trust_env=False) as client:
        yield client


def answer(api: httpx.Client, service: str) -> Any:  # noqa: ANN401 - JSON
    """What the API answers about the first sample of the service."""
    there, names = samples.files(), samples.REQUESTS[service][0]
    parts = {
        field: (name, there[name].read_bytes())
        for field, name in zip(SERVICES[service].pictures, names, strict=True)
    }
    return api.post(f"/api/predict/{service}", files=parts).raise_for_status().json()


def see(visit: Visit, service: str) -> None:
    """Have the answer about the first sample on the page."""
    visit.choose(service)
    visit.sample()
    visit.answered()


def found(visit: Visit) -> list[tuple[str, str]]:
    """Name and value of each row of what was found."""
    names, values = visit.texts(".found span:nth-child(2)"), visit.texts(".found .value")
    return list(zip(names, values, strict=True))


def bars(visit: Visit) -> list[tuple[str, str]]:
    """Name and value of each bar."""
    names, values = visit.texts(".bars li > :first-child"), visit.texts(".bars li > :last-child")
    return list(zip(names, values, strict=True))


def percent(share: float) -> str:
    """As the page writes it."""
    return "< 1 %" if 0 < share < 0.01 else f"{int(share * 100 + 0.5)} %"


def drawn(visit: Visit) -> NDArray[np.bool_]:
    """Which pixels of the canvas the drawing changes."""
    with_it = visit.canvas().astype(int)
    visit.page.get_by_label("Show the answer in the picture").uncheck()
    without = visit.canvas().astype(int)
    visit.page.get_by_label("Show the answer in the picture").check()
    changed: NDArray[np.bool_] = np.abs(with_it - without).max(axis=2) > 8
    return changed


def enlarged(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """A mask of the picture at the canvas's size."""
    return np.asarray(Image.fromarray(mask).resize((shape[1], shape[0]), Image.Resampling.NEAREST))


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("service", SERVICES)
def test_the_answer_is_shown(visit: Visit, service: str) -> None:
    see(visit, service)
    stages = visit.texts("#time .legend li")
    assert any(stage.startswith("the net") for stage in stages)
    assert stages[-1].startswith("in all")
    assert '"success": true' in visit.page.locator("#json").inner_text()
    for canvas in range(len(SERVICES[service].pictures)):
        assert visit.canvas(canvas).std() > 10
    visit.screenshot(service)


@pytest.mark.parametrize("service", ANNOTATED)
def test_the_answer_is_drawn_and_can_be_taken_away(visit: Visit, service: str) -> None:
    see(visit, service)
    assert 0.001 < drawn(visit).mean() < 0.999


@pytest.mark.parametrize("service", ["image_classification", "scene_classification"])
def test_classes_are_bars(visit: Visit, api: httpx.Client, service: str) -> None:
    see(visit, service)
    probabilities = answer(api, service)["class_probs"]
    best = sorted(probabilities, key=probabilities.get, reverse=True)[:10]
    assert bars(visit) == [(name, percent(probabilities[name])) for name in best]


@pytest.mark.parametrize("service", ["object_detection", "instance_segmentation"])
def test_things_are_listed_with_their_scores(visit: Visit, api: httpx.Client, service: str) -> None:
    see(visit, service)
    told = answer(api, service)
    expected = zip(told["detection_class_names"], map(percent, told["detection_scores"]), strict=True)
    assert found(visit) == list(expected)
    assert found(visit)


def test_boxes_are_where_the_answer_has_them(visit: Visit, api: httpx.Client) -> None:
    see(visit, "object_detection")
    changed = drawn(visit)
    (name,) = samples.REQUESTS["object_detection"][0]
    with Image.open(samples.files()[name]) as picture:
        scale = changed.shape[1] / picture.width
    for top, left, bottom, right in answer(api, "object_detection")["detection_boxes"]:
        middle_y, middle_x = (top + bottom) / 2 * scale, (left + right) / 2 * scale
        for y, x in [(middle_y, left * scale), (middle_y, right * scale), (bottom * scale, middle_x)]:
            row, column = (min(round(at), side - 1) for at, side in zip((y, x), changed.shape, strict=True))
            assert changed[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3].any()


def test_masks_of_things_cover_their_pixels(visit: Visit, api: httpx.Client) -> None:
    see(visit, "instance_segmentation")
    changed = drawn(visit)
    masks = answer(api, "instance_segmentation")["detection_masks"]
    things = np.any([decode(mask["counts"], mask["size"]) for mask in masks], axis=0)
    covered = enlarged(things, changed.shape)
    assert changed[covered].mean() > 0.97  # boxes and labels are drawn, too


def test_people_are_left_bright(visit: Visit, api: httpx.Client) -> None:
    see(visit, "foreground_segmentation")
    told = answer(api, "foreground_segmentation")
    assert visit.texts(".figure") == [percent(float(told["human_ratio"]))]
    changed = drawn(visit)
    people = enlarged(np.array(told["mask"], dtype=bool), changed.shape)
    assert not changed[people].any() or changed[people].mean() < 0.02
    assert changed[~people].mean() > 0.75  # black things, such as the helmet, stay as they are


def test_pixels_have_the_colours_of_their_classes(visit: Visit, api: httpx.Client) -> None:
    see(visit, "semantic_segmentation")
    preds = np.array(answer(api, "semantic_segmentation")["preds"])
    shares = np.bincount(preds.ravel(), minlength=len(VOC_CLASSES)) / preds.size
    names = [name for name, _ in bars(visit)]
    assert names == [VOC_CLASSES[one] for one in np.argsort(-shares, kind="stable") if shares[one]]
    changed = drawn(visit)
    assert overlap(changed, enlarged(preds > 0, changed.shape)) > 0.95


def test_products_are_counted_and_marked(visit: Visit, api: httpx.Client) -> None:
    see(visit, "shelf_counting")
    counts = answer(api, "shelf_counting")["product_count"]
    assert dict(found(visit)) == {name: str(count) for name, count in counts.items()}
    every = visit.canvas()
    visit.page.locator(".found button").first.hover()
    assert (visit.canvas() != every).any()
    visit.screenshot("shelf_counting_marked")


def test_text_is_written_where_it_was_read(visit: Visit, api: httpx.Client) -> None:
    see(visit, "ocr")
    told = answer(api, "ocr")
    assert [name for name, _ in found(visit)] == [text.strip() for text in told["detection_texts"]]
    changed = drawn(visit)
    (name,) = samples.REQUESTS["ocr"][0]
    with Image.open(samples.files()[name]) as picture:
        scale = changed.shape[1] / picture.width
    inside = np.zeros_like(changed)
    for box in told["detection_boxes"]:
        top, left, bottom, right = (round(one * scale) for one in box)
        inside[max(0, top - 2) : bottom + 3, max(0, left - 2) : right + 3] = True
        assert changed[top:bottom, left:right].any()
    assert not changed[~inside].any()


def test_two_pictures_are_compared_side_by_side(visit: Visit, api: httpx.Client) -> None:
    see(visit, "image_similarity")
    assert visit.texts(".figure") == [f"{answer(api, 'image_similarity')['similarity']:.1f} of 100"]
    left, right = (visit.page.locator("canvas").nth(index).bounding_box() for index in range(2))
    assert left
    assert right
    assert left["x"] + left["width"] <= right["x"]
    assert visit.texts("figcaption") == ["chelsea.png, 451 × 300", "astronaut.png, 512 × 512"]


def test_a_slider_goes_from_grey_to_coloured(visit: Visit) -> None:
    visit.choose("image_colorization")
    visit.sample(1)
    visit.answered()
    slider = visit.page.locator("#split")

    def colourfulness() -> float:
        pixels = visit.canvas().astype(int)
        return float((pixels.max(axis=2) - pixels.min(axis=2)).mean())

    half = colourfulness()
    slider.fill("0")
    all_coloured = colourfulness()
    slider.fill("100")
    all_grey = colourfulness()
    assert all_grey < 1 < 0.2 * all_coloured
    assert all_grey < half < all_coloured
    slider.press("Home")
    assert colourfulness() == all_coloured


def test_the_answer_of_a_service_is_not_shown_for_another(visit: Visit) -> None:
    see(visit, "ocr")
    visit.choose("image_classification")
    expect(visit.page.locator(".found")).to_have_count(0)
    visit.answered()
    assert bars(visit)
    assert re.search(r"#image_classification$", visit.page.url)
