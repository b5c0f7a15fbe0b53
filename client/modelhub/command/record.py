"""`modelhub record`: one's own requests written down on their way, to be replayed."""

from pathlib import Path
from typing import Annotated

import typer

from modelhub.command.common import MISUSED, errors, leave
from modelhub.replay.endpoints import EndpointError, root
from modelhub.replay.proxy import recorder


def record(
    to: Annotated[str, typer.Option("--to", metavar="URL", help="Where requests are handed on to.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Requests are added to it, as JSON lines.")],
    listen: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="Port to listen at.")] = 8090,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen at.")] = "127.0.0.1",
) -> None:
    """Hand requests on to an endpoint until Ctrl-C, and write down what was asked, without tokens."""
    try:
        with recorder((host, listen), root(to), out) as server:
            errors.print(f"listening at http://{host}:{server.server_port}, recording into {out}")
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                errors.print(f"{server.recorded} requests recorded in {out}")
    except EndpointError as error:
        leave(MISUSED, str(error))
    except OSError as error:
        leave(MISUSED, f"{out} or port {listen}: {error.strerror}")
