"""The figures by which two answers are compared: what each is, and how much of it still counts as alike.

Every figure is 0 where the two answers say the same, and grows with the difference. The report's definitions
and the command's `--tolerance` are read from here.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

MATCH_IOU = 0.5
"""Detections whose boxes overlap by less, intersection over union, are not the same thing."""

TOP = 5
"""How many of the likeliest classes of `class_probs` are compared as a set."""

SAME_PICTURE = 80.0
"""Similarity from which two pictures count as the same, by the published page."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a figure says."""

    meaning: str
    tolerance: float
    """The largest value that counts as alike, unless the caller says otherwise."""
    unit: str = ""


_SHARE = "share, 0 to 1"
_YES = "0 or 1"

DEFINITIONS: Mapping[str, Definition] = MappingProxyType(
    {
        "failure": Definition(
            "1 where only one side answered, or both failed with different codes; in place of a code that is "
            "absent stands the HTTP status times 100",
            0,
            _YES,
        ),
        "fields.missing": Definition("documented fields that only one side has", 0, "fields"),
        "fields.form": Definition(
            "documented fields that cannot be read on one side, or on both and differ", 0, "fields"
        ),
        "fields.unknown": Definition(
            "other fields that only one side has, or that hold another type of JSON value there", 0, "fields"
        ),
        "class": Definition("class ids that differ, rank by rank", 0, _SHARE),
        "class_name": Definition("class names that differ, rank by rank; of one name, top-1", 0, _SHARE),
        "class_name.set": Definition("class names of one side that the other has at no rank", 0.2, _SHARE),
        "class_probs.names": Definition("names of classes that only one side has", 0, "names"),
        "class_probs.top": Definition(
            f"of the {TOP} likeliest classes of one side, those that are not among the other's", 0.2, _SHARE
        ),
        "class_probs": Definition("largest difference of a class's probability", 0.05, "probability"),
        "class_probs.variation": Definition(
            "total variation: half the sum of the differences of all classes' probabilities", 0.1, _SHARE
        ),
        "detections.missing": Definition(
            f"detections of `from` without one of `to` whose box overlaps by {MATCH_IOU}, intersection over "
            "union; those that have one are matches",
            0.03,
            _SHARE,
        ),
        "detections.extra": Definition("detections of `to` without one of `from`", 0.03, _SHARE),
        "detection_boxes": Definition("largest distance between the sides of a match's boxes", 3, "pixels"),
        "detection_scores": Definition("largest difference of the scores of a match", 0.05, "probability"),
        "detection_classes": Definition("matches whose class ids differ", 0, _SHARE),
        "detection_class_names": Definition("matches whose class names differ", 0, _SHARE),
        "detection_masks": Definition(
            "1 less the smallest intersection over union of the masks of a match", 0.1, _SHARE
        ),
        "detection_keypoints": Definition("largest distance between corners of matched lines", 3, "pixels"),
        "detection_texts": Definition(
            "edits (insert, delete, replace a character) that make the texts of matched lines the same, over "
            "their characters",
            0.03,
            _SHARE,
        ),
        "detection_texts_scores": Definition("largest difference of the texts' scores", 0.05, "probability"),
        "detection_texts_ids": Definition(
            "matched lines whose character ids differ, padding aside; each net has a dictionary of its own: "
            "this is told and not judged",
            1,
            _SHARE,
        ),
        "product_count": Definition(
            "products counted differently, name by name, over those that either side counted", 0.03, _SHARE
        ),
        "product_count.total": Definition("difference of all that was counted, over the more", 0.03, _SHARE),
        "ori_img_shape": Definition("1 where height or width differ", 0, _YES),
        "preds": Definition("pixels whose classes differ, 1 where the sizes do", 0.02, _SHARE),
        "probs": Definition(
            "mean difference of the pixels' probabilities, 1 where the sizes differ", 0.02, "probability"
        ),
        "mask": Definition("1 less the intersection over union of the masks", 0.02, _SHARE),
        "human_ratio": Definition("difference of the shares of people", 0.02, _SHARE),
        "similarity": Definition("difference of the similarities", 1, "points of 100"),
        "similarity.side": Definition(
            f"1 where one says the same picture ({SAME_PICTURE:g} or more) and the other does not", 0, _YES
        ),
        "l2_distance": Definition("difference of the distances", 0.05, "distance"),
        "out_image.size": Definition("1 where width or height of the coloured pictures differ", 0, _YES),
        "out_image": Definition("mean difference of the coloured pictures' red, green and blue", 3, "of 255"),
    }
)  # fmt: skip


class ToleranceError(ValueError):
    """What was given is no tolerance; the message is a line for people."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of one pair of answers."""

    name: str
    value: float
    tolerance: float

    @property
    def alike(self) -> bool:
        """Whether the two answers count as alike in it."""
        return self.value <= self.tolerance

    @property
    def excess(self) -> float:
        """The value in tolerances; infinite where nothing was tolerated and something is there."""
        if self.tolerance:
            return self.value / self.tolerance
        return math.inf if self.value else 0.0


def tolerances(given: Iterable[str] = ()) -> Mapping[str, float]:
    """Return every figure's tolerance, those of `given` (`NAME=VALUE`) changed. Raises ToleranceError."""
    changed = {name: definition.tolerance for name, definition in DEFINITIONS.items()}
    for text in given:
        name, _, value = text.partition("=")
        if name not in DEFINITIONS:
            raise ToleranceError(f"no figure is called {name!r}; there are {', '.join(DEFINITIONS)}")
        try:
            changed[name] = float(value)
        except ValueError:
            changed[name] = math.nan
        if not 0 <= changed[name] < math.inf:
            raise ToleranceError(f"{text!r} is not NAME=VALUE with a number of at least 0")
    return MappingProxyType(changed)
