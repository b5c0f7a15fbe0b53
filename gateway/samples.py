"""The sample pictures there are, and what each service is asked about them: for the page and for the demo."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from modelhub.results import RESULTS

ROOT = Path(__file__).resolve().parents[1]
FETCHED = ROOT / "weights" / "samples"
"""What `make samples` brings."""
KEPT = ROOT / "client" / "samples"
"""What is kept with the project."""
SHELF = KEPT / "shelf.jpg"
"""A drawn shelf (`training/shelf/sample.py`)."""
SUFFIXES = (".jpg", ".png")

REQUESTS: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {name: result.service.samples for name, result in RESULTS.items()}
)
"""By service, the names of the pictures of each request."""


def place(name: str) -> Path:
    """Return where the sample picture `name` is, or will be once `make samples` brought it."""
    return next((path for folder in (KEPT, FETCHED) if (path := folder / name).is_file()), FETCHED / name)


def files(folders: tuple[Path, ...] = (FETCHED, KEPT)) -> dict[str, Path]:
    """Return the sample pictures there are by name; none where there is no checkout, as in a container."""
    return {
        path.name: path
        for folder in folders
        if folder.is_dir()
        for path in sorted(folder.iterdir())
        if path.suffix in SUFFIXES
    }


def requests(available: Mapping[str, Path]) -> dict[str, list[tuple[str, ...]]]:
    """Return, by service, the requests all of whose pictures are `available`; no service without one."""
    possible = {
        service: [names for names in rows if all(name in available for name in names)]
        for service, rows in REQUESTS.items()
    }
    return {service: rows for service, rows in possible.items() if rows}
