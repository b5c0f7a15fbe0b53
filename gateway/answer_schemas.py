"""Answers as models of pydantic, made of the kinds of their fields (`modelhub.kinds`), for OpenAPI.

Answers are validated against them by tests, not while serving. With `mask_format` masks have other schemas;
`vision.mask_formats` says what the forms are.
"""

from collections.abc import Mapping
from functools import singledispatch
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from gateway.schemas import Answer
from modelhub import results
from modelhub.kinds import (
    ByLabel,
    ClassesOfPixels,
    Counts,
    File,
    Kind,
    MaskOfPixels,
    Masks,
    Number,
    Numbers,
    ProbabilitiesOfPixels,
    ShareAsText,
    Size,
    Text,
    Texts,
)
from modelhub.voc import VOC_CLASSES

Probability = Annotated[float, Field(ge=0, le=1)]
ClassId = Annotated[int, Field(ge=0, lt=len(VOC_CLASSES))]
Corner = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2, max_length=2)]
Sides = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=2)]
MaskSize = Annotated[Sides, Field(description="Height and width of the upright image.")]


class RunLengths(BaseModel):
    """A mask of the upright image, row by row."""

    model_config = ConfigDict(strict=True)

    counts: list[Annotated[int, Field(ge=0)]] = Field(
        min_length=1,
        description=(
            "How many pixels in a row are outside, then inside, then outside, and so on; the first may be 0. "
            "`[True, False, False, True]` is `[0, 1, 2, 1]`. COCO's tools go column by column: for them, "
            "`pycocotools.mask.encode(np.asfortranarray("
            "(np.arange(len(counts)) % 2).repeat(counts).reshape(size).astype(np.uint8)))`."
        ),
    )
    size: MaskSize


class CocoRunLengths(BaseModel):
    """A mask of the upright image, column by column, as `pycocotools.mask.decode` takes it."""

    model_config = ConfigDict(strict=True)

    size: MaskSize
    counts: str = Field(description="COCO's compressed run lengths.")


class Polygon(BaseModel):
    """A mask of the upright image, by its outline on the grid between pixels."""

    model_config = ConfigDict(strict=True)

    rings: list[Annotated[list[Corner], Field(min_length=4)]] = Field(
        description=(
            "Rings of corners `(y, x)`: pixel (row, column) covers row to row + 1 and column to column + 1. "
            "A pixel belongs to the mask if its centre lies within an odd number of rings. The edges of a "
            "ring are horizontal and vertical in turn, and its last corner leads to its first. An empty mask "
            "has none."
        )
    )
    size: MaskSize


MaskPng = Annotated[
    str,
    Field(
        min_length=1,
        description="`png`: Base64 of a PNG file of the upright image's size, white where the mask is.",
    ),
]
MaskInForm = RunLengths | CocoRunLengths | Polygon | MaskPng
"""A mask in the form that `mask_format` names: `rle`, `coco_rle`, `polygon`, `png`."""


class ClassRegion(BaseModel):
    """Which pixels show one class."""

    model_config = ConfigDict(strict=True)

    class_: ClassId = Field(alias="class", description="Id of the class, one of Pascal VOC's.")
    class_name: str = Field(description="Its name.")
    mask: RunLengths | CocoRunLengths | Polygon = Field(description="The pixels that most likely show it.")
    prob: Probability = Field(description="Mean of its probability over these pixels.")


@singledispatch
def type_of(kind: Kind) -> Any:  # noqa: ANN401 - a type with pydantic's bounds
    """Return the type of a field of this kind."""
    raise TypeError(f"fields of the kind {kind} have no schema")


@type_of.register
def _(kind: Number) -> Any:  # noqa: ANN401
    return Annotated[kind.of, Field(ge=kind.least, le=kind.most)]


@type_of.register
def _(kind: Numbers) -> Any:  # noqa: ANN401
    nested: Any = Annotated[kind.of, Field(ge=kind.least, le=kind.most)]
    for length in reversed(kind.axes):
        nested = Annotated[list[nested], Field(min_length=length, max_length=length)]
    return nested


@type_of.register
def _(kind: Texts) -> Any:  # noqa: ANN401
    return Annotated[list[str], Field(min_length=kind.count, max_length=kind.count)]


@type_of.register
def _(kind: ClassesOfPixels) -> Any:  # noqa: ANN401
    return list[list[Annotated[int, Field(ge=0, lt=len(kind.classes))]]]


def _always(*kinds: type[Kind], schema: Any) -> None:  # noqa: ANN401
    for kind in kinds:
        type_of.register(kind, lambda _: schema)


_always(Text, schema=str)
_always(ShareAsText, schema=Annotated[str, Field(pattern=r"^[01]\.\d+$")])
_always(File, schema=Annotated[str, Field(min_length=1)])
_always(ByLabel, schema=dict[str, Probability])
_always(Counts, schema=dict[str, Annotated[int, Field(ge=1)]])
_always(Size, schema=Sides)
_always(Masks, schema=list[RunLengths])
_always(MaskOfPixels, schema=list[list[Annotated[int, Field(ge=0, le=1)]]])
_always(ProbabilitiesOfPixels, schema=list[list[Probability]])


def usual(result: type[results.Result]) -> type[Answer]:
    """Return the answer of a service in the contract's form."""
    fields = {field.name: (type_of(field.kind), field.description) for field in result.fields()}
    return _model(_name(result), _sentence(result), fields)


def in_forms(result: type[results.Result]) -> tuple[type[Answer], ...]:
    """Return what `mask_format` makes of the answer of a service; nothing where it has no masks."""
    kinds = {type(field.kind) for field in result.fields()}
    if ClassesOfPixels in kinds:
        return (
            _in_form(
                f"{result.__name__}Pictures",
                f"With `mask_format=png`: {_clause(result)}, in pictures of grey of the upright image's "
                "size.",
                result,
                _AS_PICTURES,
            ),
            _in_form(
                f"{result.__name__}Regions",
                "With any other `mask_format`: the classes that the picture shows, each with its mask in "
                "that form.",
                result,
                _AS_REGIONS,
            ),
        )
    if kinds & {MaskOfPixels, Masks}:
        sentence = f"With `mask_format`: {_clause(result)}, in that form."
        return (_in_form(f"{_name(result)}InForm", sentence, result, {}),)
    return ()


_Described = tuple[Any, str]
_FILE = Annotated[str, Field(min_length=1)]
_AS_PICTURES: Mapping[type[Kind], _Described | None] = {
    ProbabilitiesOfPixels: (
        _FILE,
        "Base64 of a PNG file: 255 times the probability of the class that a pixel most likely shows, "
        "rounded, so that up to 0.002 of it is lost.",
    ),
    ClassesOfPixels: (_FILE, "Base64 of a PNG file: the id of that class."),
}
_AS_REGIONS: Mapping[type[Kind], _Described | None] = {
    ProbabilitiesOfPixels: None,
    ClassesOfPixels: (
        Annotated[list[ClassRegion], Field(min_length=1)],
        "The classes that are present, the background's too, by rising id. Their masks are apart, and "
        "together they cover the picture.",
    ),
}


def _in_form(
    name: str, sentence: str, result: type[results.Result], changed: Mapping[type[Kind], _Described | None]
) -> type[Answer]:
    """Return the answer with masks in a form, and fields of the kinds in `changed` as there, if at all."""
    described = {
        field.name: changed.get(type(field.kind), _masks_in_form(field)) for field in result.fields()
    }
    return _model(name, sentence, {name: one for name, one in described.items() if one is not None})


def _masks_in_form(field: results.Field) -> _Described:
    match field.kind:
        case MaskOfPixels(in_form=description):
            return MaskInForm, description
        case Masks(in_form=description):
            return list[MaskInForm], description
    return type_of(field.kind), field.description


def _name(result: type[results.Result]) -> str:
    return result.service.schema or f"{result.__name__}Answer"


def _sentence(result: type[results.Result]) -> str:
    return (result.__doc__ or "").partition("\n")[0]


def _clause(result: type[results.Result]) -> str:
    sentence = _sentence(result).removesuffix(".")
    return sentence[:1].lower() + sentence[1:]


def _model(name: str, sentence: str, fields: Mapping[str, _Described]) -> type[Answer]:
    """Return a model of `fields`, each a type and a description, by name; `class` is no attribute's name."""
    attributes: dict[str, Any] = {
        "class_" if field == "class" else field: (
            annotation,
            Field(description=description, alias="class" if field == "class" else None),
        )
        for field, (annotation, description) in fields.items()
    }
    return create_model(name, __base__=Answer, __doc__=sentence, **attributes)
