"""`modelhub predict`: what one service says of any number of pictures."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from modelhub.command.asking import Options, Session
from modelhub.command.common import DEFAULT_URL, INTERRUPTED, MISUSED, Token, Url, errors, leave, plain
from modelhub.command.outputs import DENSE, Outputs, Save
from modelhub.sources import STDIN, BadWords, listed, omission, requests

COMPACT = "png"


def predict(  # noqa: PLR0913, PLR0917 - the words of a command line
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="One of `modelhub services`.")],
    picture: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PICTURE...",
            show_default=False,
            help="Files, folders (all pictures below), patterns in quotes, http(s) URLs, or - for stdin. "
            "image_similarity takes two at a time: two pictures, a picture and a folder, or two folders "
            "whose pictures of one name are compared.",
        ),
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save annotated pictures there, in folders as found.")
    ] = None,
    save: Annotated[Save, typer.Option(help="What --out saves.")] = Save.PICTURE,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the answers, one JSON object a line, as they come.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Requests in flight, at most.")] = 16,
    mask_format: Annotated[
        str | None, typer.Option(metavar="F", help="rle, coco_rle, png or polygon: how masks are answered.")
    ] = None,
    from_list: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Take names from a file too, one a line (two with a tab); - is stdin."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Skip what an earlier run has saved under --out.")
    ] = False,
) -> None:
    """Ask SERVICE about pictures: a line of stdout for each, in the order of the answers."""
    words = picture or []
    try:
        if from_list == STDIN and STDIN in words:
            raise BadWords("the standard input is a picture or the list, not both")
        if mask_format and _is_triton(url):
            raise BadWords("--mask-format is the gateway's: Triton itself answers in the contract's form")
        if resume and out is None:
            raise BadWords("--resume needs --out, where it looks for what is done")
        left_out: list[Path] = []
        every = requests(service, [*words, *_from_list(from_list, service)], sys.stdin.buffer, left_out)
        if not every:
            raise BadWords("no pictures: name files, folders or URLs (modelhub predict --help)")
        _prepare(out)
        if left_out:
            errors.print(plain(omission(left_out)), style="yellow")
    except BadWords as error:
        leave(MISUSED, str(error))
    except KeyboardInterrupt:  # while the standard input was read
        raise typer.Exit(INTERRUPTED) from None
    outputs = Outputs(service, out, save, as_json)
    masks = _mask_format(service, url, mask_format, seen=as_json or (out is not None and save.json))
    raise typer.Exit(Session(Options(service, url, token, jobs, masks), outputs).run(every, resume))


def _mask_format(service: str, url: str, asked: str | None, *, seen: bool) -> str | None:
    """Return the form to ask masks in: where nobody sees it, the smallest."""
    if asked or seen or service not in DENSE or _is_triton(url):
        return asked
    return COMPACT


def _is_triton(url: str) -> bool:
    return url.lower().startswith("grpc://")


def _from_list(name: str | None, service: str) -> list[str]:
    if name is None:
        return []
    try:
        return listed(sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes(), service)
    except OSError as error:
        raise BadWords(f"cannot read the list {name}: {error.strerror}") from None


def _prepare(out: Path | None) -> None:
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadWords(f"cannot make {out}: {error.strerror}") from None
    if not os.access(out, os.W_OK | os.X_OK):
        raise BadWords(f"cannot write into {out}")
