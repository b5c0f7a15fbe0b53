"""Where nets come from: files of packages, of publishers' sites, of this repository, of the user."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from export.hashing import file_sha256
from export.paths import TRAINED, Framework
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
    bytes, None where unknown. `random`, as `module:function`, writes a file of the same layout, every key and
    shape, with random weights.
    """

    url: str
    name: str
    sha256: str
    size: int | None
    licence: str
    random: str
    remark: str = ""

    @property
    def where(self) -> str:
        """The publisher's host, for people."""
        return urlsplit(self.url).hostname or self.url

    def source(self, sha256: str) -> Source:
        """Return the file, which has that hash, as manifests record it."""
        return Source(self.where, "", self.url, sha256, self.licence)


class Supplied(msgspec.Struct, frozen=True):
    """One file that the user supplies, by `python -m export own SERVICE`; `random` is as of `Published`."""

    name: str
    random: str
    where: str = "your own"
    licence: str = "yours"
    size: int | None = None


class Base(msgspec.Struct, frozen=True):
    """A graph that several nets begin with: converted once, kept in the user's cache, never served.

    Converters ask for it by its name.
    """

    name: str
    converter: str
    files: tuple[File, ...]


class Net(msgspec.Struct, frozen=True):
    """One net of one service: its files, and its converter as `module:function`."""

    name: str
    service: str
    profile: Profile
    converter: str
    files: tuple[File, ...] = ()
    own: tuple[Own, ...] = ()
    published: tuple[Published, ...] = ()
    supplied: tuple[Supplied, ...] = ()
    base: Base | None = None

    @property
    def package_files(self) -> tuple[File, ...]:
        """Its files from packages, those of its base first."""
        return (*(self.base.files if self.base else ()), *self.files)

    @property
    def sources(self) -> tuple[File | Own | Published | Supplied, ...]:
        """All its files."""
        return (*self.package_files, *self.own, *self.published, *self.supplied)

    @property
    def framework(self) -> Framework:
        """What its converter imports."""
        return Framework.TORCH if self.published or self.supplied else framework_of(self.files)

    @property
    def random_writers(self) -> dict[str, str]:
        """Functions that write its files with random weights, by the files' names."""
        files: tuple[Published | Supplied, ...] = (*self.published, *self.supplied)
        return {file.name: file.random for file in files}


def framework_of(files: Sequence[File]) -> Framework:
    """Return what reads files of packages."""
    tensorflow = any(file.name.endswith((".tflite", ".pb")) for file in files)
    return Framework.TENSORFLOW if tensorflow else Framework.ONNX


class Extra(msgspec.Struct, frozen=True):
    """A file that is used as it is, put into `weights/<folder>/`."""

    folder: str
    file: File
