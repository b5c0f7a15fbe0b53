"""Tables of a service's page, each from the one place in the code where its facts stand."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from export.catalogue import NETS
from export.sources import File, Net, Own, Published, Supplied
from gateway.schemas import Answer
from gateway.services import SERVICES

COMMON = ("request_id", "success")
"""Fields of every answer, which docs/api.md describes."""
TYPES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false"}
TYPES |= {"object": "object", "null": "null"}

Schema = Mapping[str, Any]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown; a bar in a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def request_table(service: str) -> str:
    """Return the fields of a service's JSON request."""
    schema = SERVICES[service].request.model_json_schema()
    rows = [
        (f"`{name}`", _kind(field, schema["$defs"]), field["description"])
        for name, field in schema["properties"].items()
    ]
    return table(("field", "type", "what"), rows)


def answer_table(service: str) -> str:
    """Return the fields of a service's answer beside the common ones, in the answer's order.

    Below it for each form that `mask_format` gives it, what is different then.
    """
    row = SERVICES[service]
    usual = _fields(row.answer)
    parts = [table(("field", "type", "what"), usual)]
    for answer in row.answers_in_form:
        different = [field for field in _fields(answer) if field not in usual]
        parts += [(answer.__doc__ or "").partition("\n")[0], table(("field", "type", "what"), different)]
    return "\n\n".join(parts)


def _fields(answer: type[Answer]) -> list[tuple[str, str, str]]:
    schema = answer.model_json_schema(by_alias=True)
    return [
        (f"`{name}`", _kind(field, schema.get("$defs", {})), field["description"])
        for name, field in schema["properties"].items()
        if name not in COMMON
    ]


def nets_table(service: str) -> str:
    """Return the nets of a service in both profiles: files, where they come from, licences; then remarks."""
    rows = [row for net in NETS if net.service == service for row in _net_rows(net)]
    remarks = [
        f"`{source.name}`: {source.remark}."
        for net in NETS
        if net.service == service
        for source in net.sources
        if isinstance(source, File | Published) and source.remark
    ]
    nets = table(("profile", "net", "file", "from", "licence"), rows)
    return "\n\n".join([nets, *dict.fromkeys(remarks)])


def figures_table(service: str, measured: str) -> str:
    """Return those rows of the page of figures, `measured`, that are of a service."""
    rows = re.findall(rf"^\| `{service}` (\|(?:[^|\n]+\|){{3}})$", measured, re.MULTILINE)
    return "\n".join(["| what | measured | bar |", "| --- | --- | --- |", *rows])


def _net_rows(net: Net) -> Iterator[tuple[str, str, str, str, str]]:
    for source in net.sources:
        yield net.profile.value, f"`{net.name}`", f"`{source.name}`", _where(source), source.licence


def _where(source: File | Own | Published | Supplied) -> str:
    if isinstance(source, Own):
        card = source.path.with_suffix(".md")
        card = card if card.is_file() else source.path.with_name("shelf_counting_classification_net.md")
        return f"[this repository](../../trained/{card.name})"
    return source.where


def _kind(field: Schema, definitions: Mapping[str, Schema]) -> str:
    """Return a JSON schema's type in words; nested lists as their shape."""
    if "$ref" in field:
        return _kind(definitions[field["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_kind(one, definitions) for one in field["anyOf"]))
    if field["type"] == "array":
        return _of_array(field, definitions)
    if field["type"] == "object":
        return _of_object(field, definitions)
    return TYPES[field["type"]] + _range(field)


def _of_array(field: Schema, definitions: Mapping[str, Schema]) -> str:
    unknown = iter("nmk")
    shape = []
    while field.get("type") == "array":
        least, most = field.get("minItems"), field.get("maxItems")
        shape.append(str(most) if most is not None and least == most else next(unknown))
        field = field["items"]
    return f"list [{', '.join(shape)}] of {_kind(field, definitions)}"


def _of_object(field: Schema, definitions: Mapping[str, Schema]) -> str:
    if isinstance(values := field.get("additionalProperties"), Mapping):
        return f"object: {_kind(values, definitions)}, by name"
    return f"object of {', '.join(f'`{name}`' for name in field['properties'])}"


def _range(field: Schema) -> str:
    least, most = field.get("minimum"), field.get("maximum")
    if "exclusiveMaximum" in field and field["type"] == "integer":
        most = field["exclusiveMaximum"] - 1
    if most is not None:
        return f", {least:g} to {most:g}"
    return "" if least is None else f", at least {least:g}"
