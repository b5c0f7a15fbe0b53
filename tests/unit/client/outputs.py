"""Random outputs of the ensembles, by service: what Triton might answer, by the kinds of fields."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelhub import kinds
from modelhub.results import RESULTS
from tests.unit.gateway.fakes import strings

Random = np.random.Generator
Outputs = dict[str, NDArray[Any]]

NAMES = ("猫", "dog", "", "a name\twith blanks", 'quotes "and" \\', "饮料 500ml")
CLASSES = 61


def floats(random: Random, *shape: int) -> NDArray[np.float32]:
    """Of all magnitudes, so that their texts are short and long."""
    return (random.random(shape) * 10.0 ** random.integers(-8, 5, shape)).astype(np.float32)


def integers(random: Random, *shape: int) -> NDArray[np.int32]:
    return random.integers(0, 2**31 - 1, shape, dtype=np.int32)


def _names(random: Random, count: int) -> list[str]:
    return [str(random.choice(NAMES)) for _ in range(count)]


def _one(content: bytes) -> NDArray[np.object_]:
    return kinds.one_string(content, batched=False)


@dataclass
class Maker:
    """Makes the tensors of one answer's fields, which are about as many things in one picture."""

    random: Random
    things: int
    longest: int
    sides: tuple[int, int]

    def tensors(self, name: str, kind: kinds.Kind) -> Outputs:
        match kind:
            case kinds.ByLabel(labels=labels):
                texts = (f"{number} {one}" for number, one in enumerate(_names(self.random, CLASSES)))
                return {name: floats(self.random, CLASSES), labels: strings("\n".join(texts))}
            case kinds.Counts(names=names, numbers=numbers):
                different = list(dict.fromkeys(_names(self.random, self.things)))
                return {names: strings(*different), numbers: integers(self.random, len(different))}
            case kinds.Masks():
                return self._masks(name)
        return {name: self._tensor(kind)}

    def _tensor(self, kind: kinds.Kind) -> NDArray[Any]:
        numbers = floats if getattr(kind, "of", int) is float else integers
        free = iter((self.things, self.longest))
        makers: Mapping[type[kinds.Kind], Callable[[Any], NDArray[Any]]] = {
            kinds.Number: lambda _: numbers(self.random, 1),
            kinds.Numbers: lambda of: numbers(self.random, *(one or next(free) for one in of.axes)),
            kinds.Size: lambda _: integers(self.random, 2),
            kinds.ShareAsText: lambda _: strings(f"{self.random.random():.6f}"),
            kinds.Text: lambda _: strings(*_names(self.random, 1)),
            kinds.Texts: lambda of: strings(*_names(self.random, of.count or self.things)),
            kinds.File: lambda _: _one(base64.b64encode(self.random.bytes(int(self.random.integers(1, 99))))),
            kinds.ProbabilitiesOfPixels: lambda _: np.round(
                self.random.random(self.sides, dtype=np.float32), 4
            ),
            kinds.MaskOfPixels: lambda _: self.random.integers(0, 2, self.sides, dtype=np.uint8),
            kinds.ClassesOfPixels: lambda of: self.random.integers(
                0, len(of.classes), self.sides, dtype=np.uint8
            ),
        }
        return makers[type(kind)](kind)

    def _masks(self, name: str) -> Outputs:
        """Masks of any run lengths that add up to the size; none, too."""
        pixels = self.sides[0] * self.sides[1]
        counts = []
        for _ in range(self.things):
            cuts = np.unique(self.random.integers(0, pixels + 1, self.random.integers(1, 9)))
            counts.append(np.diff(cuts, prepend=0, append=pixels).astype(np.int32))
        return {
            f"{name}_counts": np.concatenate([np.zeros(0, np.int32), *counts]),
            f"{name}_lengths": np.array([len(one) for one in counts], dtype=np.int32),
            f"{name}_size": np.array(self.sides, dtype=np.int32),
        }


def outputs(service: str, random: Random) -> Outputs:
    """Return tensors that `service` might answer with."""
    things, longest, height, width = (int(random.integers(low, high)) for low, high in RANGES)
    maker = Maker(random, things, longest, (height, width))
    made: Outputs = {}
    for field in RESULTS[service].fields():
        made |= maker.tensors(field.name, field.kind)
    return {name: tensor[None] for name, tensor in made.items()} if RESULTS[service].service.batched else made


RANGES = ((0, 4), (0, 5), (1, 40), (1, 40))

OUTPUTS: Mapping[str, Callable[[Random], Outputs]] = {name: partial(outputs, name) for name in RESULTS}
