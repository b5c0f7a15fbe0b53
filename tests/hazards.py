"""The pictures of `bench.hazards` as parameters of tests."""

import pytest

from bench.hazards import (
    HAZARDS,
    SIZE,
    Hazard,
    bomb,
    exif_rotated,
    scene,
    sixteen_bit,
    translucent,
    truncated,
)
from evaluation.picture_files import encoded as encode

__all__ = [
    "HAZARDS",
    "REFUSED",
    "SIZE",
    "Hazard",
    "bomb",
    "encode",
    "every_answered",
    "every_refused",
    "exif_rotated",
    "scene",
    "sixteen_bit",
    "translucent",
    "truncated",
]

REFUSED = [hazard for hazard in HAZARDS if hazard.code is not None]
_ANSWERED = [hazard for hazard in HAZARDS if hazard.code is None]


def _name(hazard: Hazard) -> str:
    return hazard.name


every_answered = pytest.mark.parametrize("hazard", _ANSWERED, ids=_name)
every_refused = pytest.mark.parametrize("hazard", REFUSED, ids=_name)
