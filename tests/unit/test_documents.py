"""What the documents say stands in the code too."""

import re
from pathlib import Path

import pytest

from embedded.paths import ROOT
from gateway.errors import GatewayError
from gateway.settings import Settings
from vision import limits
from vision.errors import PictureError

README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def documented_defaults() -> dict[str, str]:
    """Variables and defaults of the README's settings table, abbreviated suffixes written out."""
    defaults: dict[str, str] = {}
    for row in re.findall(r"^\| (`MODELHUB_.*?) \|(.*?)\|", README, re.MULTILINE):
        names = re.findall(r"`(\w+)`", row[0])
        cells = row[1].split(",") if len(names) > 1 else [row[1]]
        values = [value.strip("` ") for value in cells]
        stem = names[0].rpartition("_HTTP")[0]
        full = [name if name.startswith("MODELHUB") else stem + name for name in names]
        defaults.update(zip(full, values, strict=True))
    return defaults


def actual_defaults() -> dict[str, str]:
    prefix = Settings.model_config["env_prefix"]
    settings = {f"{prefix}{name}".upper(): field.default for name, field in Settings.model_fields.items()}
    return {name: str(value).lower() for name, value in settings.items()}


def test_documented_settings_have_the_documented_defaults() -> None:
    documented, actual = documented_defaults(), actual_defaults()
    assert len(documented) >= 9
    assert int(documented.pop("MODELHUB_MAX_PIXELS")) == limits.MAX_PIXELS
    assert documented == {name: actual[name].removesuffix(".0") for name in documented}


def subclasses(kind: type[Exception]) -> set[type[Exception]]:
    children = set(kind.__subclasses__())
    return children.union(*(subclasses(child) for child in children))


def test_every_error_code_is_documented() -> None:
    codes = {getattr(kind, "code", None) for kind in subclasses(GatewayError) | subclasses(PictureError)} - {
        None
    }
    assert codes
    assert {str(code) for code in codes} <= set(re.findall(r"\b[45]\d{4}\b", README))


@pytest.mark.parametrize("document", DOCUMENTS, ids=[path.name for path in DOCUMENTS])
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), target


def test_documented_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"make ([a-z]+)", README))
    assert named
    assert named <= targets


def test_every_documented_room_is_there() -> None:
    rooms = re.findall(r"^\| `([a-z_]+)/`", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE)
    assert rooms
    assert all((ROOT / room).is_dir() for room in rooms)
