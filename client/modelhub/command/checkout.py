"""What needs a checkout of the project: `modelhub up`, `down`, `export` and `doctor` run in it."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from modelhub.command.common import MISUSED, AsJson, leave

PACKAGE = Path(__file__).resolve().parent.parent
MARKS = ("Makefile", "embedded/__main__.py", "model_repository")
"""What a checkout has."""
ELSEWHERE = (
    "this works in a checkout of ModelHub on Triton alone, and neither here nor above is one: "
    "git clone it, cd there, and run it again"
)


class Profile(StrEnum):
    """Which nets."""

    LITE = "lite"
    FULL = "full"


WhichProfile = Annotated[
    Profile,
    typer.Option(envvar="MODELHUB_PROFILE", help="Which nets: lite, or full for a GPU."),
]


def up(
    profile: WhichProfile = Profile.LITE,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when it is ready, and leave it running: `modelhub down`.")
    ] = False,
) -> None:
    """Set up what is missing and serve, until Ctrl-C: `make up`."""
    _make("up", f"PROFILE={profile}", *(["DETACH=1"] if detach else []))


def down() -> None:
    """Stop what `modelhub up` has started: `make down`."""
    _make("down")


def export(profile: WhichProfile = Profile.LITE) -> None:
    """Convert the checkpoints into the model repository: `make export`."""
    _make("export", f"PROFILE={profile}")


def doctor(profile: WhichProfile = Profile.LITE, as_json: AsJson = False) -> None:
    """Say what is wrong with this machine, and what to do about it."""
    root = _checkout()
    own = root / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    flags = ["--profile", profile, *(["--json"] if as_json else [])]
    _become(root, [python, "-m", "embedded.doctor", *flags], {**os.environ, "PYTHONPATH": str(root)})


def find_checkout(places: Sequence[Path]) -> Path | None:
    """Return the first of `places`, or of the folders above them, that is a checkout."""
    for place in places:
        for folder in (place, *place.parents):
            if all((folder / mark).exists() for mark in MARKS):
                return folder
    return None


def _checkout() -> Path:
    """Return the checkout that one stands in, or that this package is part of; ends the command without."""
    root = find_checkout([Path.cwd(), PACKAGE])
    if root is None:
        leave(MISUSED, ELSEWHERE)
    return root


def _make(target: str, *variables: str) -> NoReturn:
    root = _checkout()
    if shutil.which("make") is None:
        leave(MISUSED, "make is needed: apt-get install make")
    _become(root, ["make", "--no-print-directory", target, *variables], os.environ)


def _become(root: Path, command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Run `command` in place of this process: signals and exit status are its own."""
    os.chdir(root)
    sys.stdout.flush()
    os.execvpe(command[0], list(command), dict(environment))
