"""Where a page's commands are run: in a folder that looks like the checkout, against the tests' system."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from demo.samples import SAMPLES, SHELF
from gateway.settings import Settings
from tests import commands

OWN = ("out", "run", ".git")
"""Of the checkout, not linked: commands write there."""
PORTS = ("port", "triton_http_port", "triton_grpc_port", "triton_metrics_port", "metrics_port")
SYSTEM = re.compile(r"127\.0\.0\.1:\d+|localhost:\d+|\bmodelhub\b|MODELHUB_URL")
"""In a block that asks a running system."""
PHOTO, PHOTOS, TOKEN = "photo.jpg", "photos", "TOKEN"
"""Names by which pages call the reader's own pictures and token."""
TIMEOUT_S = 240


def furnish(folder: Path, root: Path) -> None:
    """Make `folder` look like the checkout, with a photo and a folder of photos of the reader's own in it."""
    for entry in root.iterdir():
        if entry.name not in OWN:
            (folder / entry.name).symlink_to(entry)
    shutil.copy(SHELF, folder / "shelf.jpg")
    Image.open(SAMPLES / "coffee.png").convert("RGB").save(folder / PHOTO, quality=95)
    (folder / PHOTOS).mkdir()
    for name in ("astronaut", "chelsea", "coffee"):
        Image.open(SAMPLES / f"{name}.png").convert("RGB").save(folder / PHOTOS / f"{name}.jpg", quality=95)


def moved(text: str, settings: Settings) -> str:
    """Return `text` with the addresses that a reader's system has by default made those of `settings`."""
    defaults = Settings.model_fields
    for name in PORTS:
        old, new = defaults[name].default, getattr(settings, name)
        text = re.sub(rf"\b(127\.0\.0\.1|localhost):{old}\b", f"127.0.0.1:{new}", text)
    return text


def environment(root: Path, settings: Settings | None) -> dict[str, str]:
    """Return the variables of a reader in the checkout, whose `python` is the environment's."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MODELHUB_")}
    path = f"{root / '.venv' / 'bin'}:{variables['PATH']}"
    variables |= {"PATH": path, "PYTHONPATH": f"{root}:{root / 'client'}", "COLUMNS": "160"}
    if settings is not None:
        variables["MODELHUB_URL"] = f"http://127.0.0.1:{settings.port}"
    return variables


def run(language: str, text: str, folder: Path, variables: Mapping[str, str]) -> str:
    """Run a block in `folder` and return what it printed; raises AssertionError where it failed."""
    command = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": ["python", "-W", "error", "-c"]}[language]
    result = commands.run(
        [*command, text],
        cwd=folder,
        env=dict(variables),
        timeout=TIMEOUT_S,
    )
    assert result.returncode == 0, f"{text}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}"
    return result.stdout
