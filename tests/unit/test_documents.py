"""What the documents say stands in the code too."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from embedded.paths import ROOT
from gateway.compression import CODINGS, SMALLEST_BYTES
from gateway.drawing import MAX_SIDE
from gateway.errors import GatewayError
from gateway.representation import PICTURES
from gateway.services import SERVICES
from gateway.settings import Settings
from modelhub_pictures import limits
from modelhub_pictures.errors import PictureError
from tests.documents.blocks import pages
from tests.documents.named import missing
from vision.mask_formats import MASK_FORMATS

SETTINGS = (ROOT / "docs" / "settings.md").read_text()
API = (ROOT / "docs" / "api.md").read_text()
DOCUMENTS = [ROOT / page for page in pages(ROOT)]
ROOMS = ("backends", "bench", "client", "demo", "documents", "embedded", "export", "gateway", "vision")
TABLE = 4
"""Services that a module names which has a place for each."""
NAMES = [str(page.relative_to(ROOT)) for page in DOCUMENTS]


def documented_defaults() -> dict[str, str]:
    """Variables and defaults of the table of settings, abbreviated suffixes written out."""
    defaults: dict[str, str] = {}
    for row in re.findall(r"^\| (`MODELHUB_.*?) \|(.*?)\|", SETTINGS, re.MULTILINE):
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
    return {name: _told(value) for name, value in settings.items()}


def _told(value: object) -> str:
    secret = value.get_secret_value() if isinstance(value, SecretStr) else value
    return str(secret).lower()


def test_documented_settings_have_the_documented_defaults() -> None:
    documented = documented_defaults()
    assert int(documented.pop("MODELHUB_MAX_PIXELS")) == limits.MAX_PIXELS
    assert documented == {name: value.removesuffix(".0") for name, value in actual_defaults().items()}


def subclasses(kind: type[Exception]) -> set[type[Exception]]:
    children = set(kind.__subclasses__())
    return children.union(*(subclasses(child) for child in children))


def test_every_error_code_is_documented() -> None:
    codes = {getattr(kind, "code", None) for kind in subclasses(GatewayError) | subclasses(PictureError)} - {
        None
    }
    assert codes
    assert {str(code) for code in codes} <= set(re.findall(r"\b[45]\d{4}\b", API))


def test_the_api_page_names_what_a_caller_may_ask_for() -> None:
    sections = dict(re.findall(r"^### (.*)\n((?:(?!#).*\n)*)", API, re.MULTILINE))
    masks, drawn, compressed = (
        sections[name] for name in ("Masks", "A picture instead of JSON", "Compressed")
    )
    assert re.findall(r"^\| `(\w+)` \|", masks, re.MULTILINE)[1:] == list(MASK_FORMATS)
    assert set(re.findall(r"image/(?:jpeg|png|webp)", drawn)) == set(PICTURES)
    assert f"longer than {MAX_SIDE} pixels" in drawn
    assert f"of {SMALLEST_BYTES // 1024} KiB and more" in compressed
    assert all(f"`{coding}`" in compressed for coding in CODINGS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", document.read_text()):
        path, _, heading = target.partition("#")
        page = document.parent / path if path else document
        assert page.exists(), target
        if heading and page.suffix == ".md":
            assert heading in anchors(page), target


def anchors(page: Path) -> set[str]:
    """Return the names of a page's headings in links."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_what_the_text_calls_commands_and_modules_is_there(document: Path) -> None:
    for code in re.findall(r"`((?:make|python -m|\.venv\S*/bin/python -m) [^`\n]+)`", document.read_text()):
        assert missing(code, ROOT) == [], code


def test_every_page_is_reached_from_the_readme() -> None:
    reached, due = set(), [ROOT / "README.md"]
    while due:
        page = due.pop().resolve()
        if page not in reached:
            reached.add(page)
            links = re.findall(r"\]\((?!http)([^)#]+\.md)", page.read_text())
            due += [page.parent / link for link in links]
    assert set(DOCUMENTS) <= reached


def test_every_documented_room_is_there() -> None:
    rooms = re.findall(r"^\| `([a-z_/]+)/`", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE)
    assert rooms
    assert all((ROOT / room).is_dir() for room in rooms)


def tables_of_services() -> list[str]:
    """Return the modules that name so many services that each has a place there."""
    names = re.compile(rf"[\"' ]({'|'.join(SERVICES)})[\"':]")
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.*")]
    code = [file for file in files if file.suffix in (".py", ".js", ".json")]
    many = [file for file in code if len(set(names.findall(file.read_text()))) >= TABLE]
    return [str(file.relative_to(ROOT)) for file in many]


def test_adding_a_service_names_every_table_of_services() -> None:
    page = (ROOT / "docs" / "adding-a-service.md").read_text()
    assert len(tables_of_services()) >= 8
    assert [table for table in tables_of_services() if f"`{table}`" not in page] == []
