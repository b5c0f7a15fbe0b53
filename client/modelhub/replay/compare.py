"""What two answers to one request differ in: pure, by the contract's fields."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from modelhub.masks import Mask
from modelhub.replay.detections import bounds, match
from modelhub.replay.measures import SAME_PICTURE, TOP, Measure
from modelhub.replay.reading import Read, read
from modelhub.replay.spelling import Answer, Spelling, normalise
from modelhub.results import RESULTS

Values = Mapping[str, Any]
"""Documented fields as `reading` reads them."""

Figures = Iterator[tuple[str, float]]
"""Names of `measures.DEFINITIONS` and their values."""

Comparer = Callable[[Values, Values], Figures]
"""Compares what both sides have of some fields; yields nothing for a field that one side lacks."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is none: its code, or 100 times the status where it has none; 0 where nothing came."""

    code: int
    message: str = ""
    status: int = 0
    """Of HTTP."""


Outcome = Answer | Failure


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that was found about one request's two outcomes."""

    measures: tuple[Measure, ...]
    spellings: tuple[frozenset[Spelling], frozenset[Spelling]] = (frozenset(), frozenset())
    """How each side departs from the contract without saying anything else."""

    @property
    def alike(self) -> bool:
        """Whether every figure is within its tolerance."""
        return all(measure.alike for measure in self.measures)

    @property
    def beyond(self) -> tuple[Measure, ...]:
        """The figures that are not within their tolerance, the worst first."""
        return tuple(sorted((one for one in self.measures if not one.alike), key=lambda one: -one.excess))

    @property
    def badness(self) -> tuple[int, float]:
        """Sorts comparisons: how many figures are beyond their tolerance, then by how much."""
        return len(self.beyond), max((min(one.excess, 1e9) for one in self.measures), default=0.0)


def compare(service: str, ours: Outcome, theirs: Outcome, tolerances: Mapping[str, float]) -> Comparison:
    """Compare the outcomes of one request to `service`, one of RESULTS; `ours` is that of `--from`.

    `tolerances` has every name of DEFINITIONS. Any JSON object is taken for an answer: what cannot be read
    in it is a figure, not an error.
    """
    if isinstance(ours, Failure) or isinstance(theirs, Failure):
        return Comparison((Measure("failure", _failure(ours, theirs), tolerances["failure"]),))
    (one, one_spelled), (two, two_spelled) = normalise(ours), normalise(theirs)
    documented = frozenset(field.name for field in RESULTS[service].fields())
    left, right = read(one, documented), read(two, documented)
    figures = [("failure", 0.0), *_presence(one, two, documented), _form(one, two, left, right)]
    for comparer in COMPARERS:
        figures += comparer(left.values, right.values)
    measures = tuple(Measure(name, float(value), tolerances[name]) for name, value in figures)
    return Comparison(measures, (one_spelled, two_spelled))


def _failure(ours: Outcome, theirs: Outcome) -> float:
    both = isinstance(ours, Failure) and isinstance(theirs, Failure)
    return float(not (both and ours.code == theirs.code))  # type: ignore[union-attr]


def _form(one: Answer, two: Answer, left: Read, right: Read) -> tuple[str, float]:
    unreadable = (left.unreadable | right.unreadable) & one.keys() & two.keys()
    return "fields.form", sum(one[name] != two[name] for name in unreadable)


def _presence(one: Answer, two: Answer, documented: frozenset[str]) -> Figures:
    yield "fields.missing", len((one.keys() ^ two.keys()) & documented)
    others = (one.keys() | two.keys()) - documented
    yield "fields.unknown", sum(_kind(one, name) != _kind(two, name) for name in others)


def _kind(answer: Answer, name: str) -> str:
    """Return the type of JSON of a field; numbers are of one type."""
    if name not in answer:
        return "absent"
    value = answer[name]
    return "float" if isinstance(value, int) and not isinstance(value, bool) else type(value).__name__


def _both(one: Values, two: Values, name: str) -> bool:
    return name in one and name in two


def _by_rank(one: Values, two: Values) -> Figures:
    for name in ("class", "class_name"):
        if _both(one, two, name):
            yield name, _share_of_different(one[name], two[name])
    if _both(one, two, "class_name"):
        yield "class_name.set", _lacking(set(one["class_name"]), set(two["class_name"]))


def _share_of_different(one: Iterable[object], two: Iterable[object]) -> float:
    """Return how many places of the longer list hold another value in the shorter, or none."""
    first, second = list(one), list(two)
    same = sum(left == right for left, right in zip(first, second, strict=False))
    longer = max(len(first), len(second))
    return 1 - same / longer if longer else 0.0


def _lacking(one: set[str], two: set[str]) -> float:
    return 1 - len(one & two) / max(len(one), len(two)) if one or two else 0.0


def _probabilities(one: Values, two: Values) -> Figures:
    if not _both(one, two, "class_probs"):
        return
    left, right = one["class_probs"], two["class_probs"]
    names = left.keys() | right.keys()
    differences = [abs(left.get(name, 0.0) - right.get(name, 0.0)) for name in names]
    yield "class_probs.names", len(left.keys() ^ right.keys())
    yield "class_probs.top", _lacking(_likeliest(left), _likeliest(right))
    yield "class_probs", max(differences, default=0.0)
    yield "class_probs.variation", sum(differences) / 2


def _likeliest(probabilities: Mapping[str, float]) -> set[str]:
    """Return the TOP likeliest names; of equally likely ones those that come first in the alphabet."""
    return set(sorted(probabilities, key=lambda name: (-probabilities[name], name))[:TOP])


def _detections(one: Values, two: Values) -> Figures:
    """Match by boxes, lines of text by their corners, and compare what is told of each match."""
    place = "detection_keypoints" if _both(one, two, "detection_keypoints") else "detection_boxes"
    if not _both(one, two, place):
        return
    boxes = [bounds(side[place]) if place == "detection_keypoints" else side[place] for side in (one, two)]
    named = _both(one, two, "detection_class_names")
    names = (one["detection_class_names"], two["detection_class_names"]) if named else None
    pairs = match(boxes[0], boxes[1], names)
    yield "detections.missing", _unmatched(len(boxes[0]), len(pairs))
    yield "detections.extra", _unmatched(len(boxes[1]), len(pairs))
    for name, measure in _OF_MATCHES.items():
        if _both(one, two, name):
            yield name, measure(_chosen(one[name], pairs[:, 0]), _chosen(two[name], pairs[:, 1]))
    if _both(one, two, "detection_texts_ids") and _both(one, two, "detection_texts"):
        yield "detection_texts_ids", _share_of_different(_ids(one, pairs[:, 0]), _ids(two, pairs[:, 1]))


def _unmatched(count: int, matched: int) -> float:
    return (count - matched) / count if count else 0.0


def _chosen(values: Any, indices: NDArray[np.int64]) -> Any:  # noqa: ANN401 - an array or a tuple
    return values[indices] if isinstance(values, np.ndarray) else [values[index] for index in indices]


def _ids(side: Values, indices: NDArray[np.int64]) -> list[tuple[float, ...]]:
    """Return ids of characters, as many as each text has: what follows pads them."""
    texts, ids = side["detection_texts"], side["detection_texts_ids"]
    return [ids[index][: len(texts[index])] for index in indices]


def _largest(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    return float(np.abs(one - two).max(initial=0.0))


def _corner_distance(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(one - two, axis=2).max(initial=0.0))


def _worst_mask(one: list[Any], two: list[Any]) -> float:
    return max((_apart(left.mask(), right.mask()) for left, right in zip(one, two, strict=True)), default=0.0)


def _apart(one: Mask, two: Mask) -> float:
    """Return 1 less intersection over union; 1 for masks of two sizes, 0 for two that are empty."""
    if one.shape != two.shape:
        return 1.0
    union = np.count_nonzero(one | two)
    return 1 - np.count_nonzero(one & two) / union if union else 0.0


def _edits(one: list[str], two: list[str]) -> float:
    """Return edits over the characters of the longer text of each pair."""
    pairs = list(zip(one, two, strict=True))
    characters = sum(max(len(left), len(right)) for left, right in pairs)
    return sum(Levenshtein.distance(*pair) for pair in pairs) / characters if characters else 0.0


_OF_MATCHES: Mapping[str, Callable[[Any, Any], float]] = MappingProxyType(
    {
        "detection_boxes": _largest,
        "detection_scores": _largest,
        "detection_classes": _share_of_different,
        "detection_class_names": _share_of_different,
        "detection_masks": _worst_mask,
        "detection_keypoints": _corner_distance,
        "detection_texts": _edits,
        "detection_texts_scores": _largest,
    }
)


def _products(one: Values, two: Values) -> Figures:
    if not _both(one, two, "product_count"):
        return
    left, right = one["product_count"], two["product_count"]
    names = left.keys() | right.keys()
    counted = sum(max(left.get(name, 0), right.get(name, 0)) for name in names)
    differing = sum(abs(left.get(name, 0) - right.get(name, 0)) for name in names)
    yield "product_count", differing / counted if counted else 0.0
    totals = sum(left.values()), sum(right.values())
    yield "product_count.total", abs(totals[0] - totals[1]) / max(totals) if max(totals) else 0.0


def _shape(one: Values, two: Values) -> Figures:
    if _both(one, two, "ori_img_shape"):
        yield "ori_img_shape", not np.array_equal(one["ori_img_shape"], two["ori_img_shape"])


def _pixels(one: Values, two: Values) -> Figures:
    for name, measure in (("preds", _share_of_other_pixels), ("probs", _mean_difference), ("mask", _apart)):
        if _both(one, two, name):
            same_size = one[name].shape == two[name].shape
            yield name, measure(one[name], two[name]) if same_size else 1.0


def _share_of_other_pixels(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    return np.count_nonzero(one != two) / one.size if one.size else 0.0


def _mean_difference(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    return float(np.abs(one - two).mean()) if one.size else 0.0


def _numbers(one: Values, two: Values) -> Figures:
    for name in ("human_ratio", "similarity", "l2_distance"):
        if _both(one, two, name):
            yield name, abs(one[name] - two[name])
    if _both(one, two, "similarity"):
        yield "similarity.side", (one["similarity"] >= SAME_PICTURE) != (two["similarity"] >= SAME_PICTURE)


def _coloured(one: Values, two: Values) -> Figures:
    if not _both(one, two, "out_image"):
        return
    left, right = (np.asarray(side["out_image"], dtype=np.float64) for side in (one, two))
    yield "out_image.size", left.shape != right.shape
    if left.shape == right.shape:
        yield "out_image", _mean_difference(left, right)


COMPARERS: tuple[Comparer, ...] = (
    _by_rank,
    _probabilities,
    _detections,
    _products,
    _shape,
    _numbers,
    _pixels,
    _coloured,
)
"""All of them see every answer, and look at the fields that they know; others are compared as JSON."""
