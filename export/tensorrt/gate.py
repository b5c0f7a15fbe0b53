"""Whether a plan computes what its ONNX graph computes: by output, on real input, NaN first."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from export.ranked_rows import unpaired_share
from export.tensorrt.errors import UnfaithfulPlan
from export.tensorrt.plan import Precision, Score
from vision.tensors import Tensors

Run = Callable[[Tensors], Tensors]
"""Runs one batch."""


class Tolerance(msgspec.Struct, frozen=True):
    """The largest relative L2 of a float output, and the least agreement of integers and of best classes."""

    relative_l2: float
    agreement: float
    paired: float = 0.98
    """Least share of rows of a net that ranks which have their like on the other side."""


RANKED = "boxes"
"""The output of nets that rank candidates. Near ties swap places by rounding, so their rows are compared
whatever the order (`export/ranked_rows.py`)."""

TOLERANCES: Mapping[Precision, Tolerance] = {
    Precision.FP32: Tolerance(relative_l2=1e-3, agreement=0.999),
    Precision.FP16: Tolerance(relative_l2=1e-2, agreement=0.99),
}
"""fp32 differs by the order of sums alone; fp16 keeps 11 bits of every activation."""


def judge(
    batches: Sequence[Tensors], reference: Run, plan: Run, classes: int, tolerance: Tolerance
) -> dict[str, Score]:
    """Run both on every batch and return the score of each output, over all batches together.

    An output whose last axis has `classes` entries (0: no such output) is also judged by the best of them.
    Raises UnfaithfulPlan naming the output and what is wrong with it, and where there is nothing to run.
    """
    if not batches:
        raise UnfaithfulPlan("no sample picture gives it an input; add one to weights/samples that does")
    tallies: dict[str, Tally] = {}
    shares: list[float] = []
    for batch in batches:
        expected, actual = reference(batch), plan(batch)
        if RANKED in expected:
            shares += paired_shares(expected, actual, tolerance.relative_l2)
            continue
        for name, array in expected.items():
            of_classes = array.ndim > 1 and 0 < classes == array.shape[-1]
            tally = tallies.setdefault(name, Tally(name, of_classes, tolerance.relative_l2))
            tally.add(array, actual)
    scores = {name: tally.score() for name, tally in tallies.items()}
    for name, score in scores.items():
        _hold(name, score, tolerance)
    if shares:
        scores[RANKED] = Score(None, float(np.mean(shares)))
        _hold(RANKED, scores[RANKED], msgspec.structs.replace(tolerance, agreement=tolerance.paired))
    return scores


def paired_shares(expected: Tensors, outputs: Tensors, tolerance: float) -> list[float]:
    """Return, for each picture of a batch, the share of rows that have their like within `tolerance`.

    A row is what all outputs with rows, [batch, n, ...], have at one place. Raises UnfaithfulPlan where they
    cannot even be compared.
    """
    actual = {name: comparable(name, array, outputs) for name, array in expected.items()}
    names = [name for name, array in expected.items() if array.shape[1]]
    shares = []
    for index in range(len(expected[RANKED])):
        ours, theirs = ([some[name][index] for name in names] for some in (actual, expected))
        shares.append(1 - unpaired_share(ours, theirs, tolerance))
    return shares


class Tally:
    """What is known so far of one output; `of_classes` where its last axis holds scores of classes.

    A row's best class agrees where the reference gives it at least its own best score less the share `tie`:
    of two classes as probable as each other, rounding may prefer either.
    """

    def __init__(self, name: str, of_classes: bool, tie: float) -> None:
        self._name, self._of_classes, self._tie = name, of_classes, tie
        self._is_float = True
        self._difference = self._norm = 0.0
        self._agreed = self._compared = 0

    def add(self, expected: NDArray[Any], outputs: Tensors) -> None:
        """Count one batch in; raises UnfaithfulPlan where its outputs cannot even be compared."""
        actual = comparable(self._name, expected, outputs)
        self._is_float = bool(np.issubdtype(expected.dtype, np.floating))
        if self._is_float:
            wide = expected.astype(np.float64)
            self._difference += float(np.square(actual - wide).sum())
            self._norm += float(np.square(wide).sum())
        if not self._is_float:
            self._agree(actual == expected)
        elif self._of_classes:
            chosen = np.take_along_axis(expected, actual.argmax(-1)[..., None], -1)[..., 0]
            best = expected.max(-1)
            self._agree(chosen >= best - np.abs(best) * self._tie)

    def score(self) -> Score:
        """Return the relative L2 of floats (infinite where all should be 0 and is not) and the agreement."""
        far = 0.0
        if self._difference:
            far = math.sqrt(self._difference / self._norm) if self._norm else math.inf
        agreement = self._agreed / self._compared if self._compared else None
        return Score(far if self._is_float else None, agreement)

    def _agree(self, equal: NDArray[np.bool_]) -> None:
        self._agreed += int(equal.sum())
        self._compared += equal.size


def comparable(name: str, expected: NDArray[Any], outputs: Tensors) -> NDArray[Any]:
    """Return the output `name`; raises UnfaithfulPlan unless it is finite, as expected, and of one shape."""
    if name not in outputs:
        raise UnfaithfulPlan(f"its output {name} is missing; it has {sorted(outputs)}")
    actual = outputs[name]
    for array, whose in ((actual, "its"), (expected, "ONNX Runtime's")):
        bad = np.count_nonzero(~np.isfinite(array))
        if bad:
            raise UnfaithfulPlan(f"{whose} {name} is NaN or infinite in {bad} of {array.size} places")
    if (actual.shape, actual.dtype) != (expected.shape, expected.dtype):
        raise UnfaithfulPlan(
            f"its {name} is {actual.dtype} {list(actual.shape)}, ONNX Runtime's {expected.dtype} "
            f"{list(expected.shape)}"
        )
    return actual


def batches_of(calls: Sequence[Tensors], size: int, most_rows: int) -> Iterator[Tensors]:
    """Yield real input as batches: its first row alone, then rows of one shape, up to `size` together.

    `calls` are batches as the pipeline made them; at most `most_rows` rows are taken of each shape.
    """
    rows: dict[tuple[tuple[int, ...], ...], list[Tensors]] = {}
    for call in calls:
        for index in range(len(next(iter(call.values())))):
            row = {name: array[index : index + 1] for name, array in call.items()}
            kind = tuple(array.shape for array in row.values())
            rows.setdefault(kind, []).append(row)
    for alike in rows.values():
        chosen = alike[:most_rows]
        yield chosen[0]
        for start in range(0, len(chosen) if len(chosen) > 1 else 0, size):
            part = chosen[start : start + size]
            yield {name: np.concatenate([row[name] for row in part]) for name in part[0]}


def _hold(name: str, score: Score, tolerance: Tolerance) -> None:
    # Written so that a NaN, which compares as False, would fail too.
    if score.relative_l2 is not None and not score.relative_l2 <= tolerance.relative_l2:
        raise UnfaithfulPlan(
            f"its {name} differs from ONNX Runtime's by {score.relative_l2:.2g} (relative L2), "
            f"more than {tolerance.relative_l2:g}"
        )
    if score.agreement is not None and not score.agreement >= tolerance.agreement:
        raise UnfaithfulPlan(
            f"its {name} agrees with ONNX Runtime's in {score.agreement:.3f}, "
            f"less than {tolerance.agreement:g}"
        )
