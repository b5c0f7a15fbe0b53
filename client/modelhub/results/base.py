"""What every description of a service consists of: its facts, and the class of its answers."""

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple, Self, get_type_hints

import numpy as np
from numpy.typing import NDArray

from modelhub.http import Answer
from modelhub.kinds import Kind, Pixels, Tensors

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


class Words(NamedTuple):
    """One text in the page's languages."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Service:
    """The facts of one service; what has a default suits most of them."""

    name: str
    """In the path, and of the ensemble."""
    summary: str
    title: Words
    about: Words
    pictures: tuple[str, ...] = ("image",)
    """Fields of the request with Base64 of a picture, and names of the BYTES tensors that take its file."""
    prefers_url: bool = False
    """Whether of a picture's two fields the contract documents that of its URL."""
    batched: bool = False
    """Whether the ensemble's tensors have a batch axis, which is 1 here and not part of an answer."""
    quick_form: str | None = None
    """The `mask_format` that says exactly what the default says, in much less."""
    samples: tuple[tuple[str, ...], ...] = (("coffee.png",), ("astronaut.png",), ("chelsea.png",))
    """Names of the sample pictures of each request that suits it; the first is the example of its page."""
    schema: str = ""
    """The name of its answer in OpenAPI, where that is not the class's with `Answer` behind it."""


class Field(NamedTuple):
    """One field of an answer, as the annotation of its attribute in the class of results describes it."""

    name: str
    """In the answer."""
    attribute: str
    """Of the result."""
    kind: Kind
    description: str


@dataclass(frozen=True, eq=False)
class Result:
    """What every answer has.

    A subclass describes its service: `service` has the facts, the first line of its docstring says what an
    answer is, and each attribute is `Annotated` with its kind and its description, in the answer's order; a
    third annotation is the field's name where that is another.
    """

    service: ClassVar[Service]

    request_id: str

    @classmethod
    def from_answer(cls, answer: Answer) -> Self:
        """Read an answer, which may hold arrays for lists of numbers."""
        values = {field.attribute: field.kind.read(answer[field.name]) for field in cls.fields()}
        return cls(answer["request_id"], **values)

    @classmethod
    @cache
    def fields(cls) -> tuple[Field, ...]:
        """Return the answer's own fields, in order."""
        hints = get_type_hints(cls, include_extras=True)
        described = {name: hint.__metadata__ for name, hint in hints.items() if hasattr(hint, "__metadata__")}
        return tuple(_field(name, *metadata) for name, metadata in described.items())

    @classmethod
    def tables(cls) -> bool:
        """Return whether an answer has a number for every pixel."""
        return any(isinstance(field.kind, Pixels) for field in cls.fields())

    @classmethod
    def render(cls, outputs: Tensors) -> dict[str, Any]:
        """Return the answer's own fields, with arrays for lists of numbers. Raises FaultyOutput."""
        tensors = unbatched(outputs) if cls.service.batched else outputs
        return {field.name: field.kind.render(tensors, field.name) for field in cls.fields()}


def unbatched(outputs: Tensors) -> Tensors:
    """Return the only element of each tensor's batch."""
    return {name: tensor[0] for name, tensor in outputs.items()}


def _field(attribute: str, kind: Kind, description: str, name: str = "") -> Field:
    return Field(name or attribute.removesuffix("_"), attribute, kind, description)
