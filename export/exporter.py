"""Brings nets and extras into the state that the catalogue describes."""

import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock
from rich.progress import Progress

from export.errors import DamagedOwn
from export.fetch import fetch
from export.hashing import file_sha256
from export.job import Job
from export.locking import exclusive
from export.making import Makers
from export.paths import Paths
from export.placing import restore
from export.published import fetch_published
from export.recipe import base_recipe, net_recipe
from export.sources import Base, Extra, File, Net, Published, framework_of
from export.state import Condition, Origin, State, base_is_ready, extra_condition, extra_path, net_state
from export.worker import Worker
from vision.manifest import ONNX_FILE

_BASE_PROFILE = "base"
"""In the manifests of bases, which belong to no profile."""


class Outcome(NamedTuple):
    """How many nets and extras were made, and the nets that wait for checkpoints of the user's own."""

    made: int
    unsupplied: tuple[Net, ...]


def export(  # noqa: PLR0913 - what, where, how
    nets: Sequence[Net],
    extras: Sequence[Extra],
    paths: Paths,
    progress: Progress,
    *,
    force: bool = False,
    random_weights: bool = False,
) -> Outcome:
    """Export what is not ready; raises ExportError.

    What stands is kept until its successor is complete. A second exporter waits for the first. Nets of the
    user's own are left alone; with `force` every net is made again, and theirs are replaced. With
    `random_weights`, nets of published and of the user's checkpoints are made from random weights where none
    of published ones stand; without it no such net is left in place, and nets that need the user's
    checkpoints are left out.
    """
    with exclusive(paths, progress):
        for net in nets:
            restore(paths.version(net.name))
        states = {net: net_state(net, paths) for net in nets}
        chosen = [net for net in nets if _is_to_make(net, states[net], force=force, random=random_weights)]
        unsupplied = []
        if not random_weights:
            chosen = [net for net in chosen if not net.supplied]
            unsupplied = [net for net, state in states.items() if _waits_for_the_user(net, state)]
            _remove_random(unsupplied, states, paths)
        missing = [extra for extra in extras if extra_condition(extra, paths) is not Condition.READY]
        _make_all(chosen, missing, paths, progress, random_weights=random_weights)
    return Outcome(len(chosen) + len(missing), tuple(unsupplied))


def _waits_for_the_user(net: Net, state: State) -> bool:
    return bool(net.supplied) and state != State(Condition.READY, Origin.YOURS)


def _remove_random(nets: Sequence[Net], states: Mapping[Net, State], paths: Paths) -> None:
    """Remove what stands in place of `nets`, which have no successor, unless the user made it."""
    for net in nets:
        if states[net].origin is not Origin.YOURS:
            shutil.rmtree(paths.version(net.name), ignore_errors=True)


def _is_to_make(net: Net, state: State, *, force: bool, random: bool) -> bool:
    """Tell whether a net is to be made; raises DamagedOwn."""
    if force:
        return True
    if state == State(Condition.DAMAGED, Origin.YOURS):
        raise DamagedOwn(
            f"{net.name}: your own net is damaged; make it again with `python -m export own`, "
            f"or bring ours back with `python -m export --force {net.service}`"
        )
    if state.origin is Origin.RANDOM and not random:
        return True
    return state.condition is not Condition.READY


def _make_all(
    nets: Sequence[Net], extras: Sequence[Extra], paths: Paths, progress: Progress, *, random_weights: bool
) -> None:
    bases = [
        base for base in dict.fromkeys(net.base for net in nets) if base and not base_is_ready(base, paths)
    ]
    files = [file for net in nets for file in net.files] + [extra.file for extra in extras]
    places = fetch([*(file for base in bases for file in base.files), *files], paths.cache, progress)
    for extra in extras:
        _put(places[extra.file], extra_path(extra, paths))
    published = [] if random_weights else [file for net in nets for file in net.published]
    checkpoints = fetch_published(published, paths.cache, paths.carried, progress)
    frameworks = [*(framework_of(base.files) for base in bases), *(net.framework for net in nets)]
    with Makers(frameworks, paths, progress) as makers:
        made = {
            base: makers.submit(framework_of(base.files), partial(_make_base, base, places, paths, makers))
            for base in bases
        }
        for net in sorted(nets, key=lambda net: net.base is not None):  # those that need not wait come first
            job = _job(net, places, checkpoints, paths, random_weights=random_weights)
            waiting = made.get(net.base) if net.base else None
            makers.submit(net.framework, partial(_make_net, job, paths.version(net.name), makers, waiting))
        makers.wait()


def _make_base(base: Base, places: Mapping[File, Path], paths: Paths, makers: Makers, worker: Worker) -> None:
    recipe = base_recipe(base, paths)
    version = paths.base(base.name, recipe)
    job = Job(
        net=base.name,
        profile=_BASE_PROFILE,
        converter=base.converter,
        recipe=recipe,
        sources=tuple(file.source() for file in base.files),
        files={file.name: places[file] for file in base.files},
    )
    with FileLock(version.parent.with_suffix(".lock")).acquire(cancel_check=makers.stopped.is_set):
        if not base_is_ready(base, paths):  # an exporter of another checkout may have made it meanwhile
            makers.make([(job, version)], worker)


def _make_net(job: Job, version: Path, makers: Makers, base: Future[None] | None, worker: Worker) -> None:
    if base:
        base.result()
    makers.make([(job, version)], worker)


def _job(
    net: Net,
    places: Mapping[File, Path],
    checkpoints: Mapping[Published, Path],
    paths: Paths,
    *,
    random_weights: bool,
) -> Job:
    """Return the conversion of `net`."""
    published = {} if random_weights else {file: checkpoints[file] for file in net.published}
    writers = net.random_writers if random_weights else {}
    files = {file.name: places[file] for file in net.files} | {own.name: own.path for own in net.own}
    files |= {file.name: path for file, path in published.items()}
    if net.base:
        files[net.base.name] = paths.base(net.base.name, base_recipe(net.base, paths)) / ONNX_FILE
    return Job(
        net=net.name,
        profile=net.profile,
        converter=net.converter,
        recipe=net_recipe(net, paths, random_weights=bool(writers)),
        sources=(
            *(file.source() for file in net.package_files),
            *(own.source() for own in net.own),
            *(file.source(file_sha256(path)) for file, path in published.items()),
        ),
        files=files,
        random_writers=writers,
    )


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.new")
    shutil.copyfile(source, draft)
    draft.replace(target)
