"""Routes of the page: files that are read once, at the start, each at a path of its own.

| path | what is there |
|---|---|
| `/` | the page |
| `/page/NAME` | its script, style and texts: the files of `static/`, and no others |
| `/page/facts.json` | what the page has to know of the code: services and their pictures, names of classes |
| `/samples/` | JSON: by service, the names of the sample pictures of each request that it may be asked |
| `/samples/NAME` | a sample picture |

All of it is open to everybody, tokens or not, and is the same for everybody: no part of an answer is made of
a part of the request. The page itself asks the API as any caller does, with the token that its user types.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway import samples
from modelhub.results import RESULTS
from modelhub_pictures.voc import VOC_CLASSES

STATIC = Path(__file__).resolve().parent / "static"
INDEX = "index.html"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".png": "image/png",
}
"""What the page consists of; a file of another kind is a mistake, and a KeyError at the start."""

POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
"""Nothing inline, nothing from another host, no text that becomes markup, in nobody's frame."""
HEADERS = {
    "Content-Security-Policy": "; ".join(POLICY),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # kept, but asked for again by ETag: the files belong together
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    content: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, content: bytes, suffix: str) -> "Asset":
        """Return `content` as a file whose name ends with `suffix`. Raises KeyError for an unknown one."""
        return cls(content, MEDIA_TYPES[suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')

    async def respond(self, request: Request) -> Response:
        """Answer GET and HEAD; 304 to who has it already."""
        headers = HEADERS | {"ETag": self.etag}
        if self._is_among(request.headers.get("if-none-match", "")):
            return Response(None, 304, headers)
        headers |= {"Content-Type": self.media_type, "Content-Length": str(len(self.content))}
        return Response(self.content if request.method == "GET" else b"", 200, headers)

    def _is_among(self, tags: str) -> bool:
        """Whether `If-None-Match` names this file; a proxy that compresses makes a tag a weak one."""
        return self.etag in (tag.strip().removeprefix("W/") for tag in tags.split(","))


def routes() -> list[BaseRoute]:
    """Return a route for each file there is; HEAD is allowed where GET is."""
    return [Route(path, asset.respond, methods=["GET"]) for path, asset in _assets()]


def _assets() -> Iterator[tuple[str, Asset]]:
    for path in sorted(STATIC.iterdir()):
        yield "/" if path.name == INDEX else f"/page/{path.name}", _read(path)
    yield "/page/facts.json", Asset.of(orjson.dumps(facts()), ".json")
    pictures = samples.files()
    yield "/samples/", Asset.of(orjson.dumps(samples.requests(pictures)), ".json")
    for name, path in pictures.items():
        yield f"/samples/{name}", _read(path)


def _read(path: Path) -> Asset:
    return Asset.of(path.read_bytes(), path.suffix)


def facts() -> dict[str, object]:
    """Return what the page has to know of the code."""
    return {
        "services": {
            name: {
                "pictures": result.service.pictures,
                "title": result.service.title._asdict(),
                "about": result.service.about._asdict(),
            }
            for name, result in RESULTS.items()
        },
        "voc_classes": VOC_CLASSES,
    }
