"""The `full` model repository with seeded nets, made once and kept under `run/` until a recipe changes."""

import io
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from export.catalogue import NETS
from export.exporter import export
from export.paths import PROJECT, Paths, user_cache
from export.progress import console_progress
from export.sources import Net
from vision.manifest import Profile

FULL_NETS = {net.name: net for net in NETS if net.profile is Profile.FULL}
_SHARED = ("requirements", ".venv-export", ".venv-training")


class SeededFull:
    """A project beside this one, whose steps, configs and environments are this one's."""

    def __init__(self, root: Path) -> None:
        self.paths = Paths(root, user_cache(), Profile.FULL)
        self.repository = self.paths.repository(Profile.FULL)
        for name in _SHARED:
            _link(root / name, PROJECT / name)
        ours = PROJECT / Profile.FULL.repository
        for folder in ours.iterdir():
            if folder.is_symlink():
                _link(self.repository / folder.name, folder.resolve())
            else:
                _link(self.repository / folder.name / "config.pbtxt", folder / "config.pbtxt")

    def net(self, name: str) -> Path:
        """Return the version folder of one net, which is exported if it is not there."""
        self._export([FULL_NETS[name]])
        return self.paths.version(name)

    def whole(self) -> Path:
        """Return the repository with every net in it."""
        self._export(list(FULL_NETS.values()))
        return self.repository

    def _export(self, nets: Sequence[Net]) -> None:
        export(nets, [], self.paths, console_progress(Console(file=io.StringIO())), random_weights=True)


def _link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.is_symlink():
        place.symlink_to(target)
