"""What the report shows of a pair that differs: both answers in words, and drawn on the picture."""

import base64
import io
from dataclasses import dataclass

import orjson
from PIL import Image

from modelhub.present import annotate, summarise
from modelhub.replay.compare import Failure, Outcome
from modelhub.replay.measures import Measure
from modelhub.replay.recording import Recorded
from modelhub.replay.spelling import normalise
from modelhub.replay.tally import Pair
from modelhub.results import RESULTS
from modelhub_pictures.decoding import open_picture

SIDE = 360
"""Pixels of the longer side of a drawn picture."""

QUALITY = 70
"""Of its JPEG: two dozen kilobytes a picture."""


@dataclass(frozen=True, slots=True)
class Example:
    """One pair; of both sides the answer in words, empty where contents are left out, and a JPEG file."""

    identity: str
    beyond: tuple[Measure, ...]
    summaries: tuple[str, str]
    pictures: tuple[bytes | None, bytes | None]


def example(pair: Pair) -> Example:
    """Return the pair for people to look at."""
    pictures = _pictures(pair.recorded)
    before, after = (_shown(pair.recorded.service, reply.outcome, pictures) for reply in pair.replies)
    return Example(
        pair.recorded.identity, pair.comparison.beyond, (before[0], after[0]), (before[1], after[1])
    )


def bare_example(pair: Pair) -> Example:
    """Return the pair without a picture and without anything that was seen in it."""
    return Example(pair.recorded.identity, pair.comparison.beyond, ("", ""), (None, None))


def _shown(service: str, outcome: Outcome, pictures: list[Image.Image]) -> tuple[str, bytes | None]:
    if isinstance(outcome, Failure):
        return f"{outcome.code or 'no answer'}: {outcome.message}", None
    fields, _ = normalise(outcome)
    try:
        summary = summarise(service, fields)
    except Exception:  # what was made for documented answers meets others here
        summary = "an answer that no line can hold"
    return summary, _drawn(service, fields, pictures)


def _drawn(service: str, fields: dict[str, object], pictures: list[Image.Image]) -> bytes | None:
    """Return the answer drawn on the pictures, small; None where there are none or it cannot be drawn."""
    if not pictures:
        return None
    try:
        drawn = annotate(service, fields, *pictures, longest_side=SIDE)
    except Exception:  # as above
        return None
    drawn.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    drawn.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _pictures(recorded: Recorded) -> list[Image.Image]:
    """Return the pictures that a body holds; none where it names URLs, which are not fetched here."""
    try:
        body = orjson.loads(recorded.body)
        fields = RESULTS[recorded.service].service.pictures
        return [open_picture(_decoded(body[field])) for field in fields]
    except (ValueError, TypeError, AttributeError, KeyError):
        return []


def _decoded(text: str) -> bytes:
    """Return what Base64 stands for in the forms that the contract accepts."""
    _, _, content = text.rpartition(",")  # a data: URL
    compact = "".join(content.split()).rstrip("=")
    return base64.urlsafe_b64decode(compact.replace("+", "-").replace("/", "_") + "=" * (-len(compact) % 4))
