"""`modelhub replay`: recorded requests to two endpoints, and what their answers differ in."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from modelhub.command.common import FAILED, INTERRUPTED, MISUSED, UNREACHABLE, AsJson, errors, leave
from modelhub.command.outputs import write_whole
from modelhub.replay.endpoints import PLACE, Authorization, Endpoint, EndpointError, endpoint
from modelhub.replay.measures import ToleranceError, tolerances
from modelhub.replay.recording import Recorded, RecordingError, recorded
from modelhub.results import RESULTS

if TYPE_CHECKING:  # they need packages of the extra `replay`
    from modelhub.replay.examples import Example
    from modelhub.replay.report import Facts, Run
    from modelhub.replay.tally import Tally

_URL_HELP = (
    "a host, http(s)://HOST[:PORT]; a URL with {service} where the name goes; or the whole URL of one service"
)
_TOKEN_HELP = "Its token, or SERVICE=TOKEN; may be given several times."
_NAME_HELP = "NAME=SERVICE: what a service is called there and in the recording; may be given several times."
_AUTH_HELP = "How the token is sent: as it is, as Bearer, or as the hosted service's client signs."

Tokens = list[str] | None
Names = list[str] | None


def replay(  # noqa: PLR0913, PLR0917 - the words of a command line
    recording: Annotated[
        Path,
        typer.Argument(
            metavar="RECORDED",
            help="A file of JSON lines, a .har file, or a folder with pictures in folders by service.",
        ),
    ],
    before: Annotated[str, typer.Option("--from", metavar="URL", help=f"One endpoint: {_URL_HELP}.")],
    after: Annotated[str, typer.Option("--to", metavar="URL", help="The other, in the same forms.")],
    from_token: Annotated[
        Tokens, typer.Option(metavar="TOKEN", envvar="MODELHUB_FROM_TOKEN", help=_TOKEN_HELP)
    ] = None,
    from_auth: Annotated[Authorization, typer.Option(help=_AUTH_HELP)] = Authorization.PLAIN,
    from_service: Annotated[Names, typer.Option(metavar="NAME=SERVICE", help=_NAME_HELP)] = None,
    to_token: Annotated[
        Tokens, typer.Option(metavar="TOKEN", envvar="MODELHUB_TO_TOKEN", help=_TOKEN_HELP)
    ] = None,
    to_auth: Annotated[Authorization, typer.Option(help=_AUTH_HELP)] = Authorization.PLAIN,
    to_service: Annotated[Names, typer.Option(metavar="NAME=SERVICE", help=_NAME_HELP)] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report there, as HTML.")] = None,
    pictures: Annotated[
        bool, typer.Option(help="Whether the report shows pictures and what was seen in them.")
    ] = True,
    tolerance: Annotated[
        list[str] | None,
        typer.Option(metavar="FIGURE=VALUE", help="Another tolerance; may be given several times."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many requests, the first.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Requests at a time; 1 to compare latency.")] = 1,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that a request may take.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Send recorded requests to two endpoints and report what their answers differ in.

    Exit status: 0 if all are alike within the tolerances, 1 if not, 2 for wrong words, 3 if an endpoint
    cannot be reached or does not let us in.
    """
    try:
        endpoints = (
            endpoint(before, from_token or (), from_auth, from_service or ()),
            endpoint(after, to_token or (), to_auth, to_service or ()),
        )
        tolerated = tolerances(tolerance or ())
        requests = partial(_requests, recording, endpoints, limit)
        count = _checked(requests(), endpoints)
        if out is not None and (os.path.isdir(out) or not os.path.isdir(out.absolute().parent)):
            raise RecordingError(f"{out} cannot be written: it is a folder, or in none")
    except (EndpointError, ToleranceError, RecordingError) as error:
        leave(MISUSED, str(error))
    try:
        from modelhub.replay.report import Run  # noqa: PLC0415 - needs packages that most do without
    except ModuleNotFoundError as missing:
        leave(MISUSED, f"{missing.name} is not installed: pip install 'modelhub-client[replay]'")
    run = Run(recording.name, endpoints, tolerated, datetime.now(UTC), jobs)
    tally = _replayed(run, requests, count, timeout, pictures=pictures)
    _write(run, tally, out, as_json)
    raise typer.Exit(0 if tally.alike else FAILED)


def _requests(recording: Path, endpoints: tuple[Endpoint, Endpoint], limit: int | None) -> Iterator[Recorded]:
    names = {**endpoints[0].names, **endpoints[1].names}
    return islice(recorded(recording, names), limit)


def _checked(requests: Iterator[Recorded], endpoints: tuple[Endpoint, Endpoint]) -> int:
    """Return how many there are; raises RecordingError also where an endpoint has not what they ask for."""
    count, services = 0, set[str]()
    for one in requests:
        count += 1
        services.add(one.service)
    if not count:
        raise RecordingError("no requests are recorded there")
    for side in endpoints:
        if side.only is not None and not _is_all(side.only, services):
            recorded = ", ".join(sorted(services))
            raise RecordingError(
                f"{side.shown} is one service, {side.only}, and recorded are {recorded}: put {PLACE} "
                "where the name goes, or say NAME=SERVICE"
            )
    return count


def _is_all(name: str, services: set[str]) -> bool:
    """Return whether `services` is one, and that of `name` where we know the name."""
    return services == {name} if name in RESULTS else len(services) == 1


def _replayed(
    run: "Run", requests: "partial[Iterator[Recorded]]", count: int, timeout_s: float, *, pictures: bool
) -> "Tally[Example]":
    from modelhub.replay import examples, tally  # noqa: PLC0415 - as above
    from modelhub.replay import run as running  # noqa: PLC0415

    compared = tally.Tally(examples.example if pictures else examples.bare_example)
    columns = (TextColumn("comparing"), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with (
            Progress(*columns, console=errors, disable=not errors.is_terminal) as progress,
            running.connected(run.endpoints, timeout_s) as sides,
        ):
            task = progress.add_task("", total=count)

            def seen(pair: tally.Pair) -> None:
                compared.add(pair)
                progress.advance(task)

            running.replay(requests, sides, run.tolerances, seen, run.jobs)
    except running.UnreachableError as error:
        leave(UNREACHABLE, str(error))
    except RecordingError as error:
        leave(MISUSED, str(error))
    except KeyboardInterrupt:
        leave(INTERRUPTED, f"interrupted after {compared.requests} requests")
    return compared


def _write(run: "Run", tally: "Tally[Example]", out: Path | None, as_json: bool) -> None:
    from modelhub.replay import report  # noqa: PLC0415 - as above

    facts = report.facts(run, tally)
    if out is not None:
        try:
            write_whole(out, report.page(run, tally).encode())
        except OSError as error:
            leave(FAILED, f"cannot write {out}: {error.strerror}")
    if as_json:
        typer.echo(orjson.dumps(facts).decode())
    else:
        console = Console(highlight=False, soft_wrap=True)
        for name, one in facts["services"].items():
            console.print(_line(name, one))


def _line(name: str, one: "Facts") -> Text:
    """Return one service in a line: the verdict, how many, both medians, what differs in how many."""
    verdict = ("alike", "green") if one["alike"] else ("differs", "red")
    medians = [f"{row['p50']:.0f}" for row in one["latency_ms"].values() if row]
    beyond = [f"{figure} ({row['beyond']})" for figure, row in one["figures"].items() if row["beyond"]]
    return Text.assemble(
        f"{name}: ",
        verdict,
        f", {one['requests_alike']} of {one['requests']} requests",
        f"; median {medians[0]} ms from, {medians[1]} ms to" if medians else "",
        f"; beyond tolerance: {', '.join(beyond)}" if beyond else "",
    )
