"""Where nets come from: files of packages, of publishers' sites, of this repository, of the user."""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from export.hashing import file_sha256
from export.paths import TRAINED
from vision.manifest import Profile, Source


class Package(msgspec.Struct, frozen=True):
    """One release on a package index; `tags` are pip's options for a wheel that is not pure Python."""

    name: str
    version: str
    tags: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class File(msgspec.Struct, frozen=True):
    """One file in a package's wheel; `licence` is what the package states, `remark` what else is known."""

    package: Package
    path: str
    sha256: str
    size: int
    licence: str
    remark: str = ""

    @property
    def name(self) -> str:
        """The base name, by which converters ask for it."""
        return self.path.rpartition("/")[2]

    @property
    def where(self) -> str:
        """The release, for people."""
        return str(self.package)

    def source(self) -> Source:
        """Return the file as manifests record it."""
        return Source(self.package.name, self.package.version, self.path, self.sha256, self.licence)


class Own(msgspec.Struct, frozen=True):
    """One file that this repository trained: `trained/<name>`, with its card beside it.

    Its hash stands nowhere: the repository's own keeps it, and a recipe takes it from the file.
    """

    name: str
    licence: str = "Apache-2.0"

    @property
    def path(self) -> Path:
        """Where it lies."""
        return TRAINED / self.name

    @property
    def where(self) -> str:
        """Where it lies, for people."""
        return f"{TRAINED.name}/{self.name}"

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size

    def source(self) -> Source:
        """Return the file as manifests record it."""
        return Source("modelhub-triton", "trained", self.where, file_sha256(self.path), self.licence)


class Published(msgspec.Struct, frozen=True):
    """One file at its publisher's site, named `name` in the cache, in `--weights-dir` and for converters.

    `sha256` is what the publisher states, whole or the leading digits (torchvision's file names carry eight);
    empty where nothing is stated, so that the first file that came is trusted from then on. `size` is in
    bytes, None where unknown. `seeded`, as `module:function`, writes a file of the same layout, every key and
    shape, with random weights.
    """

    url: str
    name: str
    sha256: str
    size: int | None
    licence: str
    seeded: str
    remark: str = ""

    @property
    def where(self) -> str:
        """The publisher's host, for people."""
        return urlsplit(self.url).hostname or self.url

    def source(self, sha256: str) -> Source:
        """Return the file, which has that hash, as manifests record it."""
        return Source(self.where, "", self.url, sha256, self.licence)


class Brought(msgspec.Struct, frozen=True):
    """One file that is the user's, for `python -m export own SERVICE`; `seeded` is as of `Published`."""

    name: str
    seeded: str
    where: str = "your own"
    licence: str = "yours"
    size: int | None = None


class Net(msgspec.Struct, frozen=True):
    """One net of one service: its files, and its converter as `module:function`."""

    name: str
    service: str
    profile: Profile
    converter: str
    files: tuple[File, ...] = ()
    own: tuple[Own, ...] = ()
    published: tuple[Published, ...] = ()
    brought: tuple[Brought, ...] = ()

    @property
    def sources(self) -> tuple[File | Own | Published | Brought, ...]:
        """All its files."""
        return (*self.files, *self.own, *self.published, *self.brought)

    @property
    def needs_torch(self) -> bool:
        """Whether its converter runs in the training environment: its files are PyTorch's checkpoints."""
        return bool(self.published or self.brought)

    @property
    def seeds(self) -> dict[str, str]:
        """Functions that write its files with random weights, by the files' names."""
        files: tuple[Published | Brought, ...] = (*self.published, *self.brought)
        return {file.name: file.seeded for file in files}


class Extra(msgspec.Struct, frozen=True):
    """A file that is used as it is, put into `weights/<folder>/`."""

    folder: str
    file: File
