"""The sample pictures there are, and what each service is asked about them: for the page and for the demo."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[1]
FETCHED = ROOT / "weights" / "samples"
"""What `make samples` brings."""
KEPT = ROOT / "client" / "samples"
"""What is kept with the project."""
SHELF = KEPT / "shelf.jpg"
"""A drawn shelf (`training/shelf/sample.py`)."""
SUFFIXES = (".jpg", ".png")

REQUESTS: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        "image_classification": (("chelsea.png",), ("coffee.png",), ("rocket.jpg",), ("flower.jpg",)),
        "scene_classification": (("china.jpg",), ("rocket.jpg",)),
        "image_similarity": (("chelsea.png", "astronaut.png"), ("coffee.png", "coffee.png")),
        "foreground_segmentation": (("astronaut.png",), ("coffee.png",)),
        "semantic_segmentation": (("astronaut.png",), ("chelsea.png",), ("motorcycle_left.png",)),
        "object_detection": (("astronaut.png",), ("chelsea.png",), ("coffee.png",)),
        "instance_segmentation": (
            ("astronaut.png",),
            ("chelsea.png",),
            ("coffee.png",),
            ("motorcycle_left.png",),
        ),
        "shelf_counting": ((SHELF.name,),),
        "image_colorization": (
            ("camera.png",),
            ("china.jpg",),
            ("astronaut.png",),
            ("flower.jpg",),
            ("chelsea.png",),
        ),
        "ocr": (("page.png",),),
    }
)
"""By service, the names of the pictures of each request. Only their shades of grey count to be coloured."""


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
