"""Brings nets and extras into the state that the catalogue describes, and tells which state they are in."""

import shutil
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import msgspec
from rich.progress import Progress

from export.catalogue import Extra, File, Net, Own
from export.environment import ensure_environment
from export.errors import DamagedOwn
from export.fetch import fetch
from export.hashing import is_intact
from export.job import MODEL_FILE, Job
from export.locking import exclusive
from export.paths import Paths
from export.placing import place, restore, staging
from export.progress import step
from export.recipe import recipe_of
from export.runner import run_conversion
from vision.manifest import MANIFEST_FILE, load_manifest

OWN_PROFILE = "own"
"""Of nets that were made from checkpoints of the user's own, in their manifests."""


class State(StrEnum):
    """What stands in place of what the catalogue describes."""

    READY = "ready"
    YOURS = "yours"
    """Made from a checkpoint of the user's own: intact, and left alone."""
    ABSENT = "absent"
    OUTDATED = "outdated"
    DAMAGED = "damaged"


def net_state(net: Net, paths: Paths) -> State:
    """Compare a net's version directory with its row, its converter and its own manifest."""
    folder = paths.version(net.name)
    if not folder.is_dir():
        return State.ABSENT
    try:
        manifest = load_manifest(folder / MANIFEST_FILE)
    except (FileNotFoundError, msgspec.DecodeError):
        return State.DAMAGED
    if not is_intact(folder / MODEL_FILE, manifest.onnx_sha256):
        return State.DAMAGED
    if manifest.profile == OWN_PROFILE:
        return State.YOURS
    return State.READY if manifest.recipe == recipe_of(net, paths.requirements) else State.OUTDATED


def extra_path(extra: Extra, paths: Paths) -> Path:
    """Return where an extra is put."""
    return paths.weights / extra.folder / extra.file.name


def extra_state(extra: Extra, paths: Paths) -> State:
    """Compare an extra with its row."""
    path = extra_path(extra, paths)
    if not path.exists():
        return State.ABSENT
    return State.READY if is_intact(path, extra.file.sha256) else State.DAMAGED


def export(
    nets: Sequence[Net], extras: Sequence[Extra], paths: Paths, progress: Progress, *, force: bool = False
) -> int:
    """Export what is not ready and return how many that were; raises ExportError.

    What stands is kept until its successor is complete. A second exporter waits for the first. Nets of the
    user's own are left alone; with `force` every net is made anew, and theirs are replaced.
    """
    with exclusive(paths.logs / "lock", lambda: progress.console.print("Waiting for another export ...")):
        for net in nets:
            restore(paths.version(net.name))
        due_nets = [net for net in nets if force or _is_due(net, paths)]
        due_extras = [extra for extra in extras if extra_state(extra, paths) is not State.READY]
        files = [file for net in due_nets for file in net.files] + [extra.file for extra in due_extras]
        places = fetch(files, paths.cache, progress)
        for extra in due_extras:
            _put(places[extra.file], extra_path(extra, paths))
        if due_nets:
            _convert(due_nets, places, paths, progress)
    return len(due_nets) + len(due_extras)


def is_own(net: str, paths: Paths) -> bool:
    """Tell whether the net that stands was made from a checkpoint of the user's own, intact or not."""
    try:
        return load_manifest(paths.version(net) / MANIFEST_FILE).profile == OWN_PROFILE
    except (FileNotFoundError, msgspec.DecodeError):
        return False


def _is_due(net: Net, paths: Paths) -> bool:
    state = net_state(net, paths)
    if state is State.DAMAGED and is_own(net.name, paths):
        raise DamagedOwn(
            f"{net.name}: your own net is damaged; make it again with `python -m export own`, "
            f"or bring ours back with `python -m export --force {net.service}`"
        )
    return state not in (State.READY, State.YOURS)


def _convert(nets: Sequence[Net], places: dict[File, Path], paths: Paths, progress: Progress) -> None:
    python = ensure_environment(paths.environment, paths.requirements, progress)
    for net in nets:
        with step(progress, f"Converting {net.name}"), staging(paths.net(net.name)) as folder:
            run_conversion(_job(net, places, folder, paths), python, paths.logs)
            place(folder, paths.version(net.name))


def _job(net: Net, places: dict[File, Path], destination: Path, paths: Paths) -> Job:
    sources: tuple[File | Own, ...] = (*net.files, *net.own)
    return Job(
        net=net.name,
        profile=net.profile,
        converter=net.converter,
        recipe=recipe_of(net, paths.requirements),
        sources=tuple(file.source() for file in sources),
        files={file.name: places[file] for file in net.files} | {own.name: own.path for own in net.own},
        destination=destination,
    )


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, draft)
    draft.replace(target)
