"""The kinds of fields that answers have: of which tensor each is made, what its JSON may be, how it is read.

A kind makes JSON of an ensemble's output tensors (`render`; arrays stand for lists of numbers) and the typed
value of that JSON (`read`). What values its JSON may have stands in its attributes: the gateway makes schemas
of them. A renderer of the gateway's own may replace `render` where it is faster and says the same.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from modelhub.masks import Mask, decoded

Tensors = dict[str, NDArray[Any]]
"""Output arrays by name; strings are object arrays of `bytes`."""


class FaultyOutput(ValueError):  # noqa: N818 - what it is
    """Tensors that no answer can be made of; the message says why."""


def finite(outputs: Tensors, name: str) -> NDArray[Any]:
    """Return the tensor `name`. Raises FaultyOutput where a number in it is not finite."""
    values = outputs[name]
    if not np.isfinite(values).all():
        raise FaultyOutput(f"{name} holds numbers that are not finite")
    return values


def strings(outputs: Tensors, name: str) -> list[str]:
    """Return the strings of the tensor `name`."""
    return [text.decode() for text in outputs[name].tolist()]


@lru_cache(maxsize=16)
def split_labels(labels: bytes) -> tuple[str, ...]:
    """Return names that newlines join. Raises FaultyOutput where one stands twice."""
    names = tuple(labels.decode().split("\n"))
    if len(set(names)) != len(names):
        raise FaultyOutput("two classes have the same label, so that one of them would be lost")
    return names


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of field."""

    def render(self, outputs: Tensors, name: str) -> Any:  # noqa: ANN401 - by the kind
        """Return the JSON of the field `name`: here the tensor's numbers. Raises FaultyOutput."""
        return finite(outputs, name)

    def read(self, value: Any) -> Any:  # noqa: ANN401 - by the kind
        """Return the typed value of the field's JSON. Raises ValueError where it is not of its form."""
        return value


@dataclass(frozen=True, slots=True)
class Number(Kind):
    """One number: the only element of the tensor of the field's name."""

    of: type[int] | type[float]
    least: float | None = None
    most: float | None = None

    def render(self, outputs: Tensors, name: str) -> int | float:  # noqa: D102
        value: int | float = finite(outputs, name).item()
        return value


@dataclass(frozen=True, slots=True)
class Numbers(Kind):
    """Numbers in lists nested like the tensor's axes, float32 or int32 once they are read."""

    of: type[int] | type[float]
    axes: tuple[int | None, ...] = (None,)
    """Length of each axis; None is any."""
    least: float | None = None
    most: float | None = None

    def read(self, value: Any) -> NDArray[Any]:  # noqa: ANN401, D102 - also where no axis but the first can be seen
        array = np.asarray(value, dtype=np.float32 if self.of is float else np.int32)
        if None in self.axes[1:]:
            return array.reshape(len(value), -1 if len(value) else 0)
        return array.reshape(-1, *(int(length or 0) for length in self.axes[1:]))


@dataclass(frozen=True, slots=True)
class Size(Kind):
    """Height and width of the upright picture, once read as whole numbers."""

    def read(self, value: Sequence[int]) -> tuple[int, int]:  # noqa: D102
        height, width = (int(side) for side in value)
        return height, width


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """One string."""

    def render(self, outputs: Tensors, name: str) -> str:  # noqa: D102
        (text,) = strings(outputs, name)
        return text


@dataclass(frozen=True, slots=True)
class ShareAsText(Text):
    """A share from 0 to 1 as a decimal fraction in a string, which is read as a number."""

    def read(self, value: str) -> float:  # noqa: D102
        return float(value)


@dataclass(frozen=True, slots=True)
class Texts(Kind):
    """A list of strings, once read a tuple."""

    count: int | None = None

    def render(self, outputs: Tensors, name: str) -> list[str]:  # noqa: D102
        return strings(outputs, name)

    def read(self, value: Sequence[str]) -> tuple[str, ...]:  # noqa: D102
        return tuple(value)


@dataclass(frozen=True, slots=True)
class ByLabel(Kind):
    """Probabilities by name; the tensor `labels` has the names in order, joined by newlines."""

    labels: str = "class_labels"

    def render(self, outputs: Tensors, name: str) -> dict[str, float]:  # noqa: D102
        values: list[float] = finite(outputs, name).tolist()
        return dict(zip(split_labels(outputs[self.labels].item()), values, strict=True))


@dataclass(frozen=True, slots=True)
class Counts(Kind):
    """Whole numbers by name, in order; the tensors `names` and `numbers` have an element for each."""

    names: str
    numbers: str

    def render(self, outputs: Tensors, name: str) -> dict[str, int]:  # noqa: D102 - as every kind
        return dict(zip(strings(outputs, self.names), outputs[self.numbers].tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class File(Kind):
    """Base64 of a file, the tensor's only string: Triton's own JSON can hold it. Once read, its bytes."""

    def render(self, outputs: Tensors, name: str) -> str:  # noqa: D102
        text: bytes = outputs[name].item()
        return text.decode("ascii")

    def read(self, value: str) -> bytes:  # noqa: D102
        return base64.b64decode(value)


@dataclass(frozen=True, slots=True)
class Pixels(Kind):
    """A number for each pixel of the upright picture, in a list of rows."""


@dataclass(frozen=True, slots=True)
class MaskOfPixels(Pixels):
    """1 where a pixel is in the mask, else 0: uint8 [height, width]."""

    in_form: str
    """Description of the field where a request asks for its mask in a form."""

    def read(self, value: object) -> Mask:  # noqa: D102 - in any form
        return decoded(value)


@dataclass(frozen=True, slots=True)
class ClassesOfPixels(Pixels):
    """Each pixel's class, an index into `classes`: uint8 [height, width]."""

    classes: tuple[str, ...]
    probs: str
    """The field, and tensor, of these classes' probabilities."""


@dataclass(frozen=True, slots=True)
class ProbabilitiesOfPixels(Pixels):
    """A probability in four decimals for each pixel: float32 [height, width]."""


@dataclass(frozen=True, slots=True)
class Masks(Kind):
    """Masks of one size in run lengths row by row, `{"counts", "size"}` each.

    The tensor `<name>_lengths` says how many of `<name>_counts` are each mask's, `<name>_size` the size.
    """

    in_form: str
    """Description of the field where a request asks for its masks in a form."""

    def render(self, outputs: Tensors, name: str) -> list[dict[str, Any]]:  # noqa: D102
        size = outputs[f"{name}_size"].tolist()
        return [{"counts": counts, "size": size} for counts in each_counts(outputs, name)]


def each_counts(outputs: Tensors, name: str) -> list[NDArray[Any]]:
    """Return the run lengths of each mask of a field of the kind Masks."""
    counts, lengths = outputs[f"{name}_counts"], outputs[f"{name}_lengths"]
    ends = np.cumsum(lengths)
    return [counts[start:end] for start, end in zip(ends - lengths, ends, strict=True)]


def one_string(content: bytes, *, batched: bool) -> NDArray[np.object_]:
    """Return a tensor of one string, [1], or [1, 1] where the model has a batch axis."""
    tensor = np.empty((1, 1) if batched else (1,), dtype=np.object_)
    tensor.fill(content)
    return tensor


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as if parsed from the gateway's JSON, each float32 as its shortest number."""
    parsed: dict[str, Any] = orjson.loads(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY))
    return parsed
