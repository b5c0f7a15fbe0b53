"""The examples of the services' pages: a running system's answers, shortened, and pictures drawn of them."""

import io
import json
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from demo.samples import ROOT, chinese_sign
from gateway import samples
from gateway.openapi import EXAMPLE_ID
from modelhub import ModelHub
from modelhub.present import annotate

IMAGES = ROOT / "docs" / "images"
SIGN = IMAGES / "sign.png"
"""A drawn picture with text, for readers who ask `ocr`."""
SIDE = 480
"""Pixels of a published picture's longer side."""
QUALITY = 80
WHOLE = 5
"""Of a list so many are shown;"""
FIRST = 2
"""of a longer one of lists or objects so many."""
LETTERS = 40

PICTURES: Mapping[str, tuple[Path, ...]] = {
    name: tuple(samples.place(one) for one in requests[0]) for name, requests in samples.REQUESTS.items()
} | {"ocr": (SIGN,)}
"""Drawn ones, and samples whose authors gave up their rights (`export/catalogue.py` names them)."""


def answered(hub: ModelHub, service: str) -> tuple[str, bytes]:
    """Return a service's answer about its example as a fenced block, and the annotated picture as JPEG."""
    files = [path.read_bytes() for path in PICTURES[service]]
    answer = hub.answer(service, *files)
    drawn = annotate(service, answer, *(Image.open(io.BytesIO(file)) for file in files))
    return fenced(answer | {"request_id": EXAMPLE_ID}), published(drawn)


def draw_sign() -> None:
    """Write the picture with text, unless it is there: machines have other fonts, and its bytes stay."""
    if not SIGN.exists():
        IMAGES.mkdir(exist_ok=True)
        SIGN.write_bytes(chinese_sign())


def published(picture: Image.Image) -> bytes:
    """Return a JPEG of a picture, no longer than `SIDE`."""
    small = picture.convert("RGB")
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=QUALITY, optimize=True)
    return file.getvalue()


def fenced(answer: Mapping[str, object]) -> str:
    """Return an answer, shortened, as a fenced block with a line a field."""
    fields = (f"  {json.dumps(name)}: {_line(value)}" for name, value in answer.items())
    return "```json\n{\n" + ",\n".join(fields) + "\n}\n```"


def shortened(value: object) -> object:
    """Return a value with long lists and texts cut, numbers rounded, and of numbers by name the largest."""
    if isinstance(value, dict):
        return _of_object(value)
    if isinstance(value, list):
        plain = not any(isinstance(one, list | dict) for one in value)
        kept = WHOLE if plain or len(value) <= WHOLE else FIRST
        return [shortened(one) for one in value[:kept]]
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, str) and len(value) > LETTERS:
        return value[: LETTERS - 3] + "..."
    return value


def _of_object(value: dict[str, object]) -> dict[str, object]:
    numbers = {name: one for name, one in value.items() if isinstance(one, int | float)}
    if len(numbers) == len(value) > WHOLE:
        best = sorted(numbers, key=lambda name: -numbers[name])[: WHOLE - 2]
        return {name: shortened(value[name]) for name in best}
    return {name: shortened(one) for name, one in value.items()}


def _line(value: object) -> str:
    return json.dumps(shortened(value), ensure_ascii=False)
