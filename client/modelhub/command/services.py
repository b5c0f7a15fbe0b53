"""`modelhub services`: what there is to be asked, and whether it answers."""

from typing import Any

import httpx
import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from modelhub.command.common import (
    DEFAULT_URL,
    FAILED,
    MISUSED,
    UNREACHABLE,
    AsJson,
    Token,
    Url,
    leave,
)
from modelhub.http import LISTING, PREFIX, authorization

TIMEOUT_S = 40.0
"""Longer than a gateway's deadline: where it has no proof of late it tries every service."""


def services(url: Url = DEFAULT_URL, token: Token = None, as_json: AsJson = False) -> None:
    """List the services: what each answers, and whether it is ready."""
    if not url.startswith(("http://", "https://")):
        leave(MISUSED, "what a service answers is known to the gateway: give --url http(s)://HOST:PORT")
    try:
        with httpx.Client(
            base_url=url, headers=authorization(token or None), timeout=TIMEOUT_S, trust_env=False
        ) as http:
            documented = http.get(LISTING).raise_for_status().json()
            health = http.get("/health/ready").json()
        found = rows(documented, health)
    except httpx.HTTPStatusError as error:
        leave(FAILED, f"{url} does not describe its services: HTTP {error.response.status_code}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        leave(UNREACHABLE, f"nothing answers at {url} ({error}): is it running? `modelhub up`")
    except (ValueError, KeyError, TypeError, AttributeError):
        leave(FAILED, f"{url} answers, but not as ModelHub does")
    _print(found, as_json)
    raise typer.Exit(0 if found and all(row["ready"] for row in found) else FAILED)


def rows(documented: dict[str, Any], health: dict[str, Any]) -> list[dict[str, Any]]:
    """Return of each service its name, what it answers, whether it is ready, and why (not).

    `documented` is the gateway's OpenAPI document, `health` what `/health/ready` answers. Raises KeyError,
    TypeError and AttributeError where they are something else.
    """
    states = health["services"]
    return [
        {
            "service": path.removeprefix(PREFIX),
            "answers": operations["post"]["summary"],
            "ready": bool(states[path.removeprefix(PREFIX)]["ready"]),
            "reason": str(states[path.removeprefix(PREFIX)]["reason"]),
        }
        for path, operations in documented["paths"].items()
        if path.startswith(PREFIX)
    ]


def _print(found: list[dict[str, Any]], as_json: bool) -> None:
    console = Console(highlight=False, markup=False, emoji=False)  # reasons may have square brackets
    if as_json:
        typer.echo(orjson.dumps(found).decode())
        return
    table = Table("service", "answers", "ready")
    for row in found:
        table.add_row(
            row["service"], row["answers"], "yes" if row["ready"] else Text(f"no: {row['reason']}", "red")
        )
    console.print(table)
