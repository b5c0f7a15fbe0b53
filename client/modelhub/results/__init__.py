"""The services, each described by the class of its answers; their attributes have the fields' names.

Boxes are float32 [n, 4] (top, left, bottom, right) in pixels of the upright picture, scores float32 [n] from
0 to 1, classes int32 [n]; masks bool [height, width] of the upright picture. Lists of names are tuples. Every
class's `from_answer` makes one from an answer, whose masks may be in any `mask_format`; it raises KeyError
for a field that lacks and ValueError for one that is not of its form.

The gateway, the page, the command, benchmarks and documents read what a service is from here.
"""

from collections.abc import Mapping
from types import MappingProxyType

from modelhub.http import Answer
from modelhub.results.base import Field, Result, Service, Words, unbatched
from modelhub.results.pixels import ForegroundSegmentation, SemanticSegmentation
from modelhub.results.things import InstanceSegmentation, ObjectDetection, Ocr, ShelfCounting
from modelhub.results.whole import (
    ImageClassification,
    ImageColorization,
    ImageSimilarity,
    SceneClassification,
)

__all__ = [
    "RESULTS",
    "Field",
    "ForegroundSegmentation",
    "ImageClassification",
    "ImageColorization",
    "ImageSimilarity",
    "InstanceSegmentation",
    "ObjectDetection",
    "Ocr",
    "Result",
    "SceneClassification",
    "SemanticSegmentation",
    "Service",
    "ShelfCounting",
    "Words",
    "result_of",
    "unbatched",
]

RESULTS: Mapping[str, type[Result]] = MappingProxyType(
    {
        result.service.name: result
        for result in (
            ImageClassification,
            SceneClassification,
            ImageSimilarity,
            ForegroundSegmentation,
            SemanticSegmentation,
            ObjectDetection,
            InstanceSegmentation,
            ShelfCounting,
            ImageColorization,
            Ocr,
        )
    }
)
"""By name of the service."""


def result_of(service: str | type[Result], answer: Answer) -> Result:
    """Return the typed form of an answer. Raises LookupError for a service that this client does not know."""
    if not isinstance(service, str):
        return service.from_answer(answer)
    try:
        result = RESULTS[service]
    except KeyError:
        raise LookupError(f"{service} has no typed results here; `answer` gives what it says") from None
    return result.from_answer(answer)
