"""Brings nets and extras into the state that the catalogue describes, and tells which state they are in."""

import shutil
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec
from rich.progress import Progress

from export.environment import ensure_environment
from export.errors import DamagedOwn
from export.fetch import fetch
from export.hashing import file_sha256, is_intact
from export.job import MODEL_FILE, Job
from export.locking import exclusive
from export.paths import Paths
from export.placing import place, restore, staging
from export.progress import step
from export.published import fetch_published
from export.recipe import recipe_of
from export.runner import run_conversion
from export.sources import Extra, File, Net, Own, Published
from vision.manifest import MANIFEST_FILE, load_manifest

OWN_PROFILE = "own"
"""Of nets that were made from checkpoints of the user's own, in their manifests."""


class State(StrEnum):
    """What stands in place of what the catalogue describes."""

    READY = "ready"
    YOURS = "yours"
    """Made from a checkpoint of the user's own: intact, and left alone."""
    SEEDED = "seeded"
    """Made from random weights, since somebody asked for that."""
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
    if manifest.recipe != recipe_of(net, _lock_file(net, paths), seeded=manifest.seeded):
        return State.OUTDATED
    return State.SEEDED if manifest.seeded else State.READY


def extra_path(extra: Extra, paths: Paths) -> Path:
    """Return where an extra is put."""
    return paths.weights / extra.folder / extra.file.name


def extra_state(extra: Extra, paths: Paths) -> State:
    """Compare an extra with its row."""
    path = extra_path(extra, paths)
    if not path.exists():
        return State.ABSENT
    return State.READY if is_intact(path, extra.file.sha256) else State.DAMAGED


def export(  # noqa: PLR0913 - what, where, how
    nets: Sequence[Net],
    extras: Sequence[Extra],
    paths: Paths,
    progress: Progress,
    *,
    force: bool = False,
    seeded: bool = False,
) -> int:
    """Export what is not ready and return how many that were; raises ExportError.

    What stands is kept until its successor is complete. A second exporter waits for the first. Nets of the
    user's own are left alone; with `force` every net is made anew, and theirs are replaced. With `seeded`,
    nets of published and of the user's checkpoints are made from random weights where none of published
    ones stand; without it no such net is left in place. `awaited` nets are left out otherwise.
    """
    with exclusive(paths.lock, lambda: progress.console.print("Waiting for another export ...")):
        for net in nets:
            restore(paths.version(net.name))
        due_nets = [net for net in nets if force or _is_due(net, paths, seeded=seeded)]
        if not seeded:
            _remove_seeded(due_nets, paths)
            due_nets = [net for net in due_nets if not net.brought]
        due_extras = [extra for extra in extras if extra_state(extra, paths) is not State.READY]
        files = [file for net in due_nets for file in net.files] + [extra.file for extra in due_extras]
        places = fetch(files, paths.cache, progress)
        for extra in due_extras:
            _put(places[extra.file], extra_path(extra, paths))
        published = [] if seeded else [file for net in due_nets for file in net.published]
        checkpoints = fetch_published(published, paths.cache, paths.carried, progress)
        for net in due_nets:
            _convert(net, _job(net, places, checkpoints, paths, seeded=seeded), paths, progress)
    return len(due_nets) + len(due_extras)


def awaited(nets: Sequence[Net], paths: Paths) -> list[Net]:
    """Return those of `nets` that only the user's checkpoints can make, which have not been brought."""
    there = {State.YOURS, State.SEEDED}
    return [net for net in nets if net.brought and net_state(net, paths) not in there]


def is_own(net: str, paths: Paths) -> bool:
    """Tell whether the net that stands was made from a checkpoint of the user's own, intact or not."""
    try:
        return load_manifest(paths.version(net) / MANIFEST_FILE).profile == OWN_PROFILE
    except (FileNotFoundError, msgspec.DecodeError):
        return False


def _is_due(net: Net, paths: Paths, *, seeded: bool) -> bool:
    state = net_state(net, paths)
    if state is State.DAMAGED and is_own(net.name, paths):
        raise DamagedOwn(
            f"{net.name}: your own net is damaged; make it again with `python -m export own`, "
            f"or bring ours back with `python -m export --force {net.service}`"
        )
    return state not in (State.READY, State.YOURS, *((State.SEEDED,) if seeded else ()))


def _remove_seeded(nets: Sequence[Net], paths: Paths) -> None:
    """Remove those of `nets` that are seeded and have no successor: the user's own have not been brought."""
    for net in nets:
        if net.brought and net_state(net, paths) is not State.YOURS and not is_own(net.name, paths):
            shutil.rmtree(paths.version(net.name), ignore_errors=True)


def _lock_file(net: Net, paths: Paths) -> Path:
    return paths.training_requirements if net.needs_torch else paths.requirements


def _convert(net: Net, job: Job, paths: Paths, progress: Progress) -> None:
    environment = paths.training_environment if net.needs_torch else paths.environment
    python = ensure_environment(environment, _lock_file(net, paths), progress)
    with step(progress, f"Converting {net.name}"), staging(paths.net(net.name)) as folder:
        run_conversion(msgspec.structs.replace(job, destination=folder), python, paths.logs)
        place(folder, paths.version(net.name))


def _job(
    net: Net,
    places: Mapping[File, Path],
    checkpoints: Mapping[Published, Path],
    paths: Paths,
    *,
    seeded: bool,
) -> Job:
    """Return the conversion of `net`; where it writes to is filled in later."""
    sources: tuple[File | Own, ...] = (*net.files, *net.own)
    files = {file.name: places[file] for file in net.files} | {own.name: own.path for own in net.own}
    published = {} if seeded else {file: checkpoints[file] for file in net.published}
    seeds = net.seeds if seeded else {}
    return Job(
        net=net.name,
        profile=net.profile,
        converter=net.converter,
        recipe=recipe_of(net, _lock_file(net, paths), seeded=bool(seeds)),
        sources=(
            *(file.source() for file in sources),
            *(file.source(file_sha256(path)) for file, path in published.items()),
        ),
        files=files | {file.name: path for file, path in published.items()},
        destination=Path(),
        seeds=seeds,
    )


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, draft)
    draft.replace(target)
