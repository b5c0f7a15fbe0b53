"""The manifest: what a checkpoint needs its pipeline to know. Written by the exporter beside `model.onnx`.

manifest = load_manifest(Path("model_repository/image_classification_net/1/manifest.json"))
settings = manifest.typed_settings(ClassificationSettings)
"""

from enum import Enum
from pathlib import Path
from typing import TypeVar

import msgspec

NET_VERSION = "1"
ONNX_FILE = "model.onnx"
MANIFEST_FILE = "manifest.json"

SEEDED_NETS = "seeded_nets"
"""The tensor of an ensemble that names those of its nets whose weights are random, joined by commas.

It is absent from answers where there are none.
"""

Settings = TypeVar("Settings", bound=msgspec.Struct)


class Profile(str, Enum):  # noqa: UP042 - StrEnum is younger than the Python of NVIDIA's container
    """A choice of nets for all services; each has a model repository of its own."""

    LITE = "lite"
    FULL = "full"

    @property
    def repository(self) -> str:
        """Name of the folder that is its model repository."""
        return "model_repository" if self is Profile.LITE else f"model_repository_{self.value}"


OWN_PROFILE = "own"
"""The `profile` of a manifest whose net was made from the user's own files, beside whichever other nets."""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a checkpoint came from: one file of one release of one package, or of one publisher's site."""

    package: str
    version: str
    file: str
    sha256: str
    licence: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything about an exported net that its pipeline may not hard-code.

    `settings` is the net's own section (input size, resampling, thresholds); the stage that reads it owns
    its type. `labels` are in class order, unique, empty where a net has no classes. A `seeded` net has random
    weights in the published layout: it proves that everything fits, and its answers mean nothing.
    """

    net: str
    profile: str
    sources: tuple[Source, ...]
    onnx_sha256: str
    opset: int
    recipe: str
    labels: tuple[str, ...] = ()
    settings: dict[str, object] = {}
    seeded: bool = False

    def typed_settings(self, kind: type[Settings]) -> Settings:
        """Return `settings` as `kind`; raises msgspec.ValidationError naming the field that differs."""
        return msgspec.convert(self.settings, kind, strict=True)


def manifest_path(repository: Path, net: str) -> Path:
    """Return where the manifest of `net` stands in a model repository."""
    return repository / net / NET_VERSION / MANIFEST_FILE


def load_manifest(path: Path) -> Manifest:
    """Read a manifest; raises FileNotFoundError, or msgspec.ValidationError naming the field."""
    return msgspec.json.decode(path.read_bytes(), type=Manifest)


def dump_manifest(manifest: Manifest) -> bytes:
    """Return the manifest as indented UTF-8 JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
