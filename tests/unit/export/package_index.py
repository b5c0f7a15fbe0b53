"""A package index on loopback, and the ways in which one can fail."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler

from tests.unit.export.loopback import LoopbackServer


def build_wheel(name: str, version: str, files: Mapping[str, bytes]) -> bytes:
    """Return a pure-Python wheel that holds `files`."""
    info = f"{name}-{version}.dist-info"
    contents = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*contents, f"{info}/RECORD"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in (*contents.items(), (f"{info}/RECORD", record.encode())):
            archive.writestr(path, data)
    return buffer.getvalue()


class PackageIndex(LoopbackServer):
    """Serves wheels by PEP 503, on loopback; set a fault before it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.wheels: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.cut_after: int | None = None
        self.declares_length = True
        self.declares_hash: str | None = "right"
        self.page_status = 200
        self.file_status = 200

    @property
    def url(self) -> str:
        return f"{super().url}/simple/"

    def add(self, name: str, version: str, files: Mapping[str, bytes]) -> str:
        """Offer a wheel and return its SHA-256."""
        wheel = build_wheel(name, version, files)
        self.wheels[f"{name}-{version}-py3-none-any.whl"] = wheel
        return hashlib.sha256(wheel).hexdigest()

    def page(self, project: str) -> bytes | None:
        """Return the project's page of links, or None if there is no such project."""
        names = [name for name in self.wheels if name.startswith(f"{project}-")]
        links = (f'<a href="/files/{name}{self._fragment(name)}">{name}</a>' for name in names)
        return "\n".join(links).encode() if names else None

    def _fragment(self, name: str) -> str:
        if self.declares_hash is None:
            return ""
        right = hashlib.sha256(self.wheels[name]).hexdigest()
        return f"#sha256={right if self.declares_hash == 'right' else '0' * 64}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.requests.append(self.path)
                kind, _, name = self.path.strip("/").partition("/")
                body = index.page(name) if kind == "simple" else index.wheels.get(name)
                status = index.page_status if kind == "simple" else index.file_status
                if body is None or status != 200:
                    self.send_error(404 if body is None else status)
                else:
                    self._send(body, "text/html" if kind == "simple" else "application/octet-stream")

            def _send(self, body: bytes, content_type: str) -> None:
                is_file = content_type != "text/html"
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                if index.declares_length or not is_file:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: index.cut_after] if is_file else body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
