"""A run as facts for machines and as a page for people: no script, nothing from elsewhere, no tokens."""

import base64
import math
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from modelhub.replay.endpoints import Endpoint
from modelhub.replay.examples import Example
from modelhub.replay.measures import DEFINITIONS
from modelhub.replay.run import SIDES
from modelhub.replay.tally import BINS, LATENCIES, WORST, Distribution, Service, Tally

TEMPLATE = Path(__file__).with_name("report.html")
PACKAGES = ("modelhub-client", "httpx", "numpy", "pillow")
"""Whose versions may matter to the figures."""

HIDDEN = "***"
"""Stands for a token."""

Facts = dict[str, Any]
"""What JSON holds."""


@dataclass(frozen=True, slots=True)
class Run:
    """What was run: the recording's name, both endpoints, tolerances by figure, when, how much at once."""

    recording: str
    endpoints: tuple[Endpoint, Endpoint]
    tolerances: Mapping[str, float]
    date: datetime
    jobs: int = 1


def versions() -> dict[str, str]:
    """Return the versions of what compares."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def facts(run: Run, tally: Tally[Example]) -> Facts:
    """Return everything that the report says but its pictures; infinities are null. No token is in it."""
    shown = {side: endpoint.shown for side, endpoint in zip(SIDES, run.endpoints, strict=True)}
    document = {
        "alike": tally.alike,
        "requests": tally.requests,
        "recording": run.recording,
        **shown,
        "date": run.date.isoformat(timespec="seconds"),
        "jobs": run.jobs,
        "versions": versions(),
        "services": {name: _service(one, run.tolerances) for name, one in sorted(tally.services.items())},
        "definitions": {
            name: {"meaning": one.meaning, "unit": one.unit, "tolerance": run.tolerances[name]}
            for name, one in DEFINITIONS.items()
        },
    }
    hidden: Facts = _without(document, _secrets(run))
    return hidden


def _service(service: Service[Example], tolerances: Mapping[str, float]) -> Facts:
    return {
        "alike": service.alike == service.requests,
        "requests": service.requests,
        "requests_alike": service.alike,
        "failures": [
            {"from": before, "to": after, "requests": count}
            for (before, after), count in sorted(service.failures.items())
        ],
        "figures": {one.name: _figure(one) for one in service.distributions(tolerances)},
        "latency_ms": {
            side: {f"p{rank}": seconds * 1e3 for rank, seconds in zip(LATENCIES, known, strict=False)}
            for side, known in zip(SIDES, service.latencies(), strict=True)
        },
        "spellings": {
            side: {str(spelling): count for spelling, count in sorted(counter.items())}
            for side, counter in zip(SIDES, service.spellings, strict=True)
        },
        "worst": [_example(one) for one in service.worst()],
    }


def _figure(one: Distribution) -> Facts:
    return {
        "tolerance": one.tolerance,
        "requests": one.count,
        "median": one.median,
        "p90": one.p90,
        "worst": one.worst,
        "beyond": one.beyond,
        "bins": list(one.bins),
    }


def _example(one: Example) -> Facts:
    beyond = [
        {
            "figure": measure.name,
            "value": measure.value,
            "tolerance": measure.tolerance,
            "in_tolerances": measure.excess if math.isfinite(measure.excess) else None,
        }
        for measure in one.beyond
    ]
    return {"id": one.identity, "beyond": beyond, "from": one.summaries[0], "to": one.summaries[1]}


def page(run: Run, tally: Tally[Example]) -> str:
    """Return the report as HTML."""
    secrets = _secrets(run)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: _without(value, secrets),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": _short, "picture": _picture}
    pictures = {name: [one.pictures for one in tally.services[name].worst()] for name in tally.services}
    return environment.get_template(TEMPLATE.name).render(
        facts=facts(run, tally),
        pictures=pictures,
        sides=SIDES,
        bins=_bin_names(),
        within=BINS.index(1.0),
        kept=WORST,
    )


def _short(value: float) -> str:
    return f"{value:.4g}"


def _picture(file: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(file).decode("ascii")


def _bin_names() -> list[str]:
    return ["0", *(f"up to {end:g} of the tolerance" for end in BINS[1:]), f"above {BINS[-1]:g} tolerances"]


def _secrets(run: Run) -> frozenset[str]:
    return frozenset[str]().union(*(endpoint.secrets() for endpoint in run.endpoints))


def _without(value: Any, secrets: Iterable[str]) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return the same without any of `secrets`, which an endpoint may have told in its answers."""
    match value:
        case str():
            for secret in sorted(secrets, key=len, reverse=True):
                value = value.replace(secret, HIDDEN)
            return value
        case dict():
            return {_without(key, secrets): _without(one, secrets) for key, one in value.items()}
        case list():
            return [_without(one, secrets) for one in value]
    return value
