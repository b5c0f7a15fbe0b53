"""The PromQL of alerts and board, taken apart."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import promql_parser
import yaml

from embedded.paths import ROOT
from gateway.services import SERVICES

FOLDER = ROOT / "deploy" / "observation"
BOARD: dict[str, Any] = json.loads((FOLDER / "grafana" / "boards" / "modelhub.json").read_text())
GROUPS: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
ALERTS: dict[str, dict[str, Any]] = {rule["alert"]: rule for group in GROUPS for rule in group["rules"]}
VARIABLES = {"$__rate_interval": "1m", "$service": "|".join(SERVICES)}
"""What Grafana puts into expressions."""

BY_PROMETHEUS = {"job", "instance"}
"""Labels that a scrape adds."""
SCOPED = ("expr", "lhs", "rhs", "param", "args", "vector_selector")
"""Where a part of an expression has parts."""


class Selected(NamedTuple):
    """A metric that an expression reads."""

    name: str
    labels: frozenset[str]
    """Of its matchers."""


def expressions() -> dict[str, str]:
    """Every expression, by where it stands."""
    found = {name: rule["expr"] for name, rule in ALERTS.items()}
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            found[f"{panel['title']} {target['refId']}"] = target["expr"]
    return {place: with_variables(text) for place, text in found.items()}


def with_variables(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def selected(expression: str) -> set[Selected]:
    """What it reads. Raises ValueError where it is not PromQL."""
    return {
        Selected(str(part.name), frozenset(one.name for one in part.matchers.matchers))
        for part in _parts(promql_parser.parse(expression))
        if isinstance(part, promql_parser.VectorSelector)
    }


def grouped_by(expression: str) -> set[str]:
    """The labels that its aggregations keep."""
    modifiers = (getattr(part, "modifier", None) for part in _parts(promql_parser.parse(expression)))
    return {label for one in modifiers for label in getattr(one, "labels", None) or ()}


def _parts(part: Any) -> Iterator[Any]:  # noqa: ANN401 - the parser's classes have no common one
    yield part
    for name in SCOPED:
        below = getattr(part, name, None)
        for one in below if isinstance(below, list) else [below]:
            if one is not None:
                yield from _parts(one)
