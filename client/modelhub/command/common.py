"""What the commands share: options, exit statuses, and how a failure is told."""

from typing import Annotated, NoReturn

import typer
from rich.console import Console

FAILED, MISUSED, UNREACHABLE, INTERRUPTED = 1, 2, 3, 130
"""Exit statuses."""

Url = Annotated[
    str,
    typer.Option(
        envvar="MODELHUB_URL",
        help="Where ModelHub is: http(s)://HOST:PORT, its gateway; grpc://HOST:PORT, Triton itself.",
    ),
]
Token = Annotated[
    str | None, typer.Option(envvar="MODELHUB_TOKEN", help="The caller's token, where one is needed.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

DEFAULT_URL = "http://127.0.0.1:8080"

errors = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def leave(status: int, why: str) -> NoReturn:
    """End the command with a line on stderr."""
    errors.print(plain(why), style="red")
    raise typer.Exit(status)


def plain(text: str) -> str:
    """Return `text` as can be shown anywhere: names of files may hold whatever moves a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "�" for letter in readable(text))


def readable(text: str) -> str:
    """Return `text` with question marks for bytes that are no UTF-8, which names of files may hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
