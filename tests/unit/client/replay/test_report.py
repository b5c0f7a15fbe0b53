"""The report: what was found, nothing that runs or is fetched, and no tokens."""

import base64
import io
import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image

from gateway.services import SERVICES
from modelhub.replay.compare import Failure, Outcome, compare
from modelhub.replay.endpoints import endpoint
from modelhub.replay.examples import SIDE, Example, bare_example, example
from modelhub.replay.measures import DEFINITIONS, tolerances
from modelhub.replay.recording import Recorded
from modelhub.replay.report import Run, facts, page
from modelhub.replay.tally import Pair, Reply, Tally
from tests.unit.client.replay.answers import HEIGHT, WIDTH, answer, picture
from tests.unit.client.replay.pages import assert_self_contained, parsed

TOKEN = "YWFlMDYyZDNmNTc3M2I3MzMwYmY0MmYwM2Y2MTYxMTY4NzBkNzdjOQ=="
OTHER = "another<&\"'>token"
RUN = Run(
    "requests.jsonl",
    (
        endpoint("http://h.example/api/predict/{service}?key=inthequery", [TOKEN]),
        endpoint("https://u:inurl@b", [OTHER]),
    ),
    tolerances(["mask=0.5"]),
    datetime(2026, 5, 4, 12, tzinfo=UTC),
)
SCRIPT = "<script>alert(1)</script>"


def recorded(service: str, identity: str = "one", **fields: str) -> Recorded:
    pixels = picture(np.full((HEIGHT, WIDTH, 3), 255))
    body = dict.fromkeys(SERVICES[service].pictures, pixels) | fields
    return Recorded(identity, service, orjson.dumps(body))


def pair(one: Recorded, before: Outcome, after: Outcome) -> Pair:
    comparison = compare(one.service, before, after, RUN.tolerances)
    return Pair(one, (Reply(before, 0.25), Reply(after, 0.0125)), comparison)


def tallied(*pairs: Pair, bare: bool = False) -> Tally[Example]:
    tally = Tally(bare_example if bare else example)
    for one in pairs:
        tally.add(one)
    return tally


def random_pairs(same: bool = False) -> list[Pair]:
    """Two answers to each service, which differ unless they are to be the same."""
    random = np.random.default_rng(8)
    pairs = []
    for service in SERVICES:
        before, after = answer(service, random), answer(service, random)
        pairs.append(pair(recorded(service, f"the {service}"), before, before if same else after))
    return pairs


def test_of_different_answers_every_service_is_told_with_pictures() -> None:
    html = page(RUN, tallied(*random_pairs()))
    shown = assert_self_contained(html)
    assert "different" in html.partition("</h1>")[0]
    for service in SERVICES:
        assert service in shown.anchors
        assert f"the {service}" in shown.text
    drawn = [one for one in shown.references if one.startswith("data:")]
    assert len(drawn) == 2 * len(SERVICES)
    for one in drawn:
        with Image.open(io.BytesIO(base64.b64decode(one.partition(",")[2]))) as thumbnail:
            assert thumbnail.format == "JPEG"
            assert max(thumbnail.size) <= SIDE
    assert len(html) < 1_000_000


def test_of_same_answers_it_says_alike() -> None:
    told = facts(RUN, tallied(*random_pairs(same=True)))
    html = page(RUN, tallied(*random_pairs(same=True)))
    assert_self_contained(html)
    assert "alike" in html.partition("</h1>")[0]
    assert told["alike"]
    assert all(one["alike"] and not one["worst"] for one in told["services"].values())


def test_it_says_what_was_compared_with_what_and_how_each_figure_is_defined() -> None:
    text = parsed(page(RUN, tallied(*random_pairs()))).text
    told = ["http://h.example/api/predict/{service}", "https://b/api/predict/{service}", "requests.jsonl",
            "2026-05-04T12:00:00+00:00", "modelhub-client"]  # fmt: skip
    for one in (*told, *DEFINITIONS, *(row.meaning for row in DEFINITIONS.values())):
        assert one in text, one


def test_facts_are_json_and_have_the_figures() -> None:
    told = json.loads(orjson.dumps(facts(RUN, tallied(*random_pairs()))))
    assert told["definitions"]["mask"]["tolerance"] == 0.5
    service = told["services"]["image_similarity"]
    assert service["latency_ms"]["from"] == {"p50": 250.0, "p90": 250.0, "p99": 250.0}
    assert service["latency_ms"]["to"]["p99"] == 12.5
    assert service["figures"]["similarity"]["requests"] == 1
    worst = service["worst"][0]["beyond"]
    assert {row["figure"] for row in worst} <= set(DEFINITIONS)
    assert all(row["value"] > row["tolerance"] for row in worst)


def hostile_pairs() -> list[Pair]:
    """Endpoints that tell what they were told, and what is no name."""
    echo = Failure(40101, f"the token {TOKEN} and {OTHER} and inurl {SCRIPT}", 401)
    found: dict[str, Any] = {
        "detection_boxes": [[0.0, 0.0, 9.0, 9.0]],
        "detection_scores": [0.5],
        "detection_classes": [1],
        "detection_class_names": [TOKEN + SCRIPT],
        TOKEN: 1,
    }
    return [
        pair(recorded("object_detection", SCRIPT + TOKEN), echo, found),
        pair(recorded("object_detection"), found, found | {"detection_class_names": [OTHER]}),
        pair(recorded("image_classification"), {"class_probs": {TOKEN: 0.9}}, {"class_probs": {"b": 1.0}}),
    ]


@pytest.mark.parametrize("secret", [TOKEN, OTHER, "inthequery", "inurl"])
def test_no_token_is_in_it_whoever_tells_it(secret: str) -> None:
    tally = tallied(*hostile_pairs())
    kept = [text for one in tally.services["object_detection"].worst() for text in one.summaries]
    assert any(secret in text for text in kept) or secret == "inthequery"  # which nobody tells
    html, told = page(RUN, tally), orjson.dumps(facts(RUN, tally)).decode()
    for written in (html, parsed(html).text, told, json.dumps(json.loads(told), ensure_ascii=False)):
        assert secret not in written
        assert json.dumps(secret)[1:-1] not in written


def test_what_endpoints_tell_is_text() -> None:
    html = page(RUN, tallied(*hostile_pairs()))
    assert SCRIPT in assert_self_contained(html).text


def test_failures_and_spellings_are_told() -> None:
    similar = {"similarity": [0.5], "l2_distance": [1.0]}
    right = {"request_id": "1", "success": True, "similarity": 50.0, "l2_distance": 1.0}
    tally = tallied(
        pair(recorded("image_similarity"), similar, right),
        pair(recorded("image_similarity"), Failure(42901, "busy", 429), right),
    )
    service = facts(RUN, tally)["services"]["image_similarity"]
    assert service["failures"] == [{"from": "42901", "to": "an answer", "requests": 1}]
    assert service["requests_alike"] == 1
    assert len(service["spellings"]["from"]) == 3
    assert not service["spellings"]["to"]
    text = parsed(page(RUN, tally)).text
    assert "42901" in text
    assert "`similarity` is a list of one number" in text


def test_without_pictures_nothing_is_shown_of_what_was_seen() -> None:
    after = answer("ocr", np.random.default_rng(2))
    before = after | {"detection_texts": ["a secret text"] * len(after["detection_texts"])}
    one = pair(recorded("ocr", "page 7"), before, after)
    assert "a secret text" in page(RUN, tallied(one))
    html = page(RUN, tallied(one, bare=True))
    assert "a secret text" not in html
    assert not [tag for tag in assert_self_contained(html).tags if tag == "img"]
    assert "page 7" in html


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"image": 7}',
        b'{"image": "AAAA"}',
        b'{"input": {"url": "http://h/a.png"}}',
        b"\xff",
    ],
)
def test_a_request_without_a_picture_is_told_in_words(body: bytes) -> None:
    one = Recorded("no picture", "object_detection", body)
    before, after = (answer("object_detection", np.random.default_rng(seed)) for seed in (1, 2))
    (kept,) = tallied(pair(one, before, after)).services["object_detection"].worst()
    assert kept.pictures == (None, None)
    assert all(kept.summaries)


@pytest.mark.parametrize("form", ["data:image/png;base64,{}", "{}\n", "lines"])
def test_pictures_are_found_in_every_form_of_base64(form: str) -> None:
    content = picture(np.zeros((HEIGHT, WIDTH, 3)))
    text = (
        "\n".join(content[at : at + 60] for at in range(0, len(content), 60))
        if form == "lines"
        else form.format(content)
    )
    for written in (text, text.replace("+", "-").replace("/", "_") if not form.startswith("data") else text):
        before, after = (answer("object_detection", np.random.default_rng(seed)) for seed in (1, 2))
        one = pair(recorded("object_detection", image=written.rstrip("=")), before, after)
        assert all(tallied(one).services["object_detection"].worst()[0].pictures)


@pytest.mark.parametrize("service", SERVICES)
def test_an_answer_that_cannot_be_drawn_is_told_all_the_same(service: str) -> None:
    strange = {name: "nonsense" for name in SERVICES[service].fields}
    one = pair(recorded(service), strange, answer(service, np.random.default_rng(1)))
    (kept,) = tallied(one).services[service].worst()
    assert kept.pictures[1] is not None
    assert kept.summaries[0]
    assert_self_contained(page(RUN, tallied(one)))
