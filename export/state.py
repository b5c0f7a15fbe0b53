"""What stands in place of what the catalogue describes: its origin and its condition."""

from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec

from export.hashing import is_intact
from export.paths import Paths
from export.recipe import base_recipe, net_recipe
from export.sources import Base, Extra, Net
from vision.manifest import MANIFEST_FILE, ONNX_FILE, OWN_PROFILE, Manifest, load_manifest


class Origin(StrEnum):
    """Whose weights a net has."""

    OURS = "ready"
    YOURS = "yours"
    """Made from a checkpoint of the user's own."""
    RANDOM = "seeded"
    """Made from random weights, since somebody asked for that."""


class Condition(StrEnum):
    """Whether it can be used."""

    READY = "ready"
    ABSENT = "absent"
    OUTDATED = "outdated"
    DAMAGED = "damaged"


class State(NamedTuple):
    """Both facts; the origin is that of the manifest, ours where none can be read."""

    condition: Condition
    origin: Origin = Origin.OURS

    @property
    def label(self) -> str:
        """The word for users: of a net that can be used, its origin."""
        return str(self.origin if self.condition is Condition.READY else self.condition)


def net_state(net: Net, paths: Paths) -> State:
    """Compare a net's version directory with its row, its converter and its own manifest."""
    folder = paths.version(net.name)
    manifest = _manifest(folder)
    if manifest is None:
        return State(Condition.DAMAGED if folder.is_dir() else Condition.ABSENT)
    if manifest.profile == OWN_PROFILE:
        return State(_condition(folder, manifest, manifest.recipe), Origin.YOURS)
    recipe = net_recipe(net, paths, random_weights=manifest.seeded)
    origin = Origin.RANDOM if manifest.seeded else Origin.OURS
    return State(_condition(folder, manifest, recipe), origin)


def base_is_ready(base: Base, paths: Paths) -> bool:
    """Tell whether the cache has this base, intact."""
    recipe = base_recipe(base, paths)
    folder = paths.base(base.name, recipe)
    manifest = _manifest(folder)
    return manifest is not None and _condition(folder, manifest, recipe) is Condition.READY


def extra_path(extra: Extra, paths: Paths) -> Path:
    """Return where an extra is put."""
    return paths.weights / extra.folder / extra.file.name


def extra_condition(extra: Extra, paths: Paths) -> Condition:
    """Compare an extra with its row."""
    path = extra_path(extra, paths)
    if not path.exists():
        return Condition.ABSENT
    return Condition.READY if is_intact(path, extra.file.sha256) else Condition.DAMAGED


def _manifest(folder: Path) -> Manifest | None:
    try:
        return load_manifest(folder / MANIFEST_FILE)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _condition(folder: Path, manifest: Manifest, recipe: str) -> Condition:
    if not is_intact(folder / ONNX_FILE, manifest.onnx_sha256):
        return Condition.DAMAGED
    return Condition.READY if manifest.recipe == recipe else Condition.OUTDATED
