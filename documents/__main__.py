"""`python -m documents`: write anew what of the documents is made by code.

With MODELHUB_URL in the environment, the examples of the services' pages too, from that system's answers.
"""

import os
from pathlib import Path

from demo.samples import ROOT
from documents import tables
from documents.examples import IMAGES, answered, draw_sign
from documents.sections import rewritten
from gateway.services import SERVICES
from modelhub import ModelHub

PAGES = ROOT / "docs" / "services"
MEASURED = ROOT / "docs" / "measured.md"


def made(service: str) -> dict[str, str]:
    """Return the sections of a service's page that need no running system."""
    return {
        "request": tables.request_table(service),
        "answer": tables.answer_table(service),
        "nets": tables.nets_table(service),
        "figures": tables.figures_table(service, MEASURED.read_text()),
    }


def page_of(service: str) -> Path:
    """Return where a service's page is."""
    return PAGES / f"{service}.md"


def main() -> None:
    """Write every page's sections, and with a system its examples and pictures."""
    draw_sign()
    for service in SERVICES:
        path = page_of(service)
        path.write_text(rewritten(path.read_text(), made(service)))
    if url := os.environ.get("MODELHUB_URL"):
        with ModelHub(url) as hub:
            _examples(hub)


def _examples(hub: ModelHub) -> None:
    for service in SERVICES:
        example, picture = answered(hub, service)
        path = page_of(service)
        path.write_text(rewritten(path.read_text(), {"example": example}))
        (IMAGES / f"{service}.jpg").write_bytes(picture)


if __name__ == "__main__":
    main()
