"""The JSON API from Python.

with ModelHub("http://127.0.0.1:8080") as hub:
    answer = hub.predict("image_classification", Path("cat.jpg").read_bytes())
"""

import base64
from typing import Any, Self

import httpx

Answer = dict[str, Any]
"""A documented answer, as parsed from JSON."""


class ServiceError(RuntimeError):
    """The service answered with a failure: `status` of HTTP, `code` and `message` of the contract."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(f"{code}: {message} (HTTP {status})")
        self.status, self.code, self.message = status, code, message


class ModelHub:
    """A connection to one gateway; a context manager."""

    def __init__(self, url: str, timeout_s: float = 60.0) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout_s, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self._http.close()

    def services(self) -> list[str]:
        """Return the names of the services that the gateway documents."""
        paths = self._http.get("/openapi.json").raise_for_status().json()["paths"]
        prefix = "/api/predict/"
        return [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]

    def predict(self, service: str, *images: bytes) -> Answer:
        """Send a picture file, or two to compare; raises ServiceError, or httpx.HTTPError where none came."""
        fields = ("image",) if len(images) == 1 else ("imagea", "imageb")
        body = {
            field: base64.b64encode(image).decode("ascii")
            for field, image in zip(fields, images, strict=True)
        }
        response = self._http.post(f"/api/predict/{service}", json=body)
        answer: Answer = response.json()
        if not answer["success"]:
            raise ServiceError(response.status_code, answer["error_code"], answer["error_msg"])
        return answer
