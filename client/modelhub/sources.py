"""Which pictures the words of a command line mean, and the name that the answer to each is saved under.

A word is a file, a folder (all pictures below it), a pattern (`'photos/**/*.jpg'`), an http(s) URL, or `-`
for the standard input. A service that takes two pictures takes two words at a time: two pictures; a picture
and a folder, which are compared one by one; or two folders, whose pictures of the same name are.
"""

import codecs
import glob
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit

from modelhub.downloads import MAX_FILE_BYTES, TOO_LARGE
from modelhub.pictures import is_url
from modelhub.results import RESULTS

SUFFIXES = frozenset({".jpg", ".jpeg", ".jfif", ".mpo", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
"""Of the files in a folder, those that are taken for pictures. A file that is named itself always is."""
KEPT_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
"""Formats that an annotated picture keeps; of any other it becomes a PNG."""
STDIN = "-"
_KINDS, _NAMES = 8, 3
"""Of the files that are left out, so many kinds are counted and so many named."""
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""How a list begins that an editor or a shell of Windows has saved."""


class BadWords(ValueError):  # noqa: N818 - what is wrong
    """Words that mean no pictures; the message says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where one picture is."""

    place: Path | str | bytes
    """A file, a URL, or what came from the standard input."""
    name: str
    """As people are told of it."""
    trail: tuple[str, ...]
    """Its whole place, part by part; no two places have the same."""
    kept: int = 1
    """How many of these parts, from the end, its output keeps."""

    @property
    def below(self) -> tuple[str, ...]:
        """Its name below the folder or pattern by which it was found."""
        return self.trail[-self.kept :]


@dataclass(frozen=True, slots=True)
class Request:
    """The pictures of one request, and the relative path that its annotated picture is saved under."""

    sources: tuple[Source, ...]
    output: PurePosixPath

    @property
    def name(self) -> str:
        """As people are told of it."""
        return " ".join(source.name for source in self.sources)


@dataclass(frozen=True, slots=True)
class Meant:
    """What one word means."""

    word: str
    sources: list[Source]
    many: bool
    """Whether it may mean any number: a folder or a pattern."""


def requests(service: str, words: Sequence[str], stdin: BinaryIO, left_out: list[Path]) -> list[Request]:
    """Return the requests that `words` mean, each once, in their order. Raises BadWords.

    Files in folders that are no pictures by their names, and outputs of ours, are added to `left_out`.
    """
    if words.count(STDIN) > 1:
        raise BadWords("the standard input is one picture: `-` can be given once")
    meant = [_meant(word, stdin, left_out) for word in words]
    for one in meant:
        if not one.sources:
            raise BadWords(f"no pictures in {one.word}{_but(left_out)}")
    found = _pairs(meant) if takes_two(service) else ((source,) for one in meant for source in one.sources)
    once: dict[tuple[tuple[str, ...], ...], tuple[Source, ...]] = {}
    for group in found:
        once.setdefault(tuple(source.trail for source in group), group)
    groups = list(once.values())
    outputs = _outputs(service, groups)
    return [Request(group, output) for group, output in zip(groups, outputs, strict=True)]


def takes_two(service: str) -> bool:
    """Return whether `service` compares two pictures; one that is not known takes one."""
    return service in RESULTS and len(RESULTS[service].service.pictures) == 2


def read(path: Path) -> bytes:
    """Return a file's bytes; raises OSError, also where it is too large for a picture."""
    with path.open("rb") as file:
        return _bounded(file)


def _bounded(file: BinaryIO) -> bytes:
    content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise OSError(TOO_LARGE)
    return content


# What a word means


def _meant(word: str, stdin: BinaryIO, left_out: list[Path]) -> Meant:
    if not word:
        raise BadWords("an empty name")  # as a path it would be the folder one is in
    if "\0" in word:
        raise BadWords("a name with a zero byte: a list has one name a line")
    if word == STDIN:
        try:
            return Meant(word, [Source(_bounded(stdin), "stdin", ("stdin",))], many=False)
        except OSError as error:
            raise BadWords(f"the standard input: {error}") from None
    if is_url(word):
        return Meant(word, [_url_source(word)], many=False)
    path = Path(word)
    # Not the tests of Path, which raise where one may not look: who reads the file is told why.
    if os.path.isdir(path):
        return Meant(word, list(_of_folder(path, left_out)), many=True)
    if glob.has_magic(word) and not os.path.exists(path):
        return Meant(word, list(_of_pattern(word, left_out)), many=True)
    return Meant(word, [_file_source(path, 1)], many=False)


def _url_source(url: str) -> Source:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadWords(f"{url} is no URL: {error}") from None
    segments = [_tame(segment) for segment in parts.path.split("/") if segment]
    leaf = segments.pop() if segments else "picture"
    if parts.query:  # two pictures may differ in it alone
        stem, dot, suffix = leaf.rpartition(".")
        leaf = f"{stem}-{_digest(parts.query)}.{suffix}" if dot else f"{leaf}-{_digest(parts.query)}"
    return Source(url, url, (_digest(url), parts.scheme.lower(), _tame(parts.netloc), *segments, leaf))


def _tame(segment: str) -> str:
    """Return part of a URL as part of a path that leads nowhere else."""
    return re.sub(r"[^\w.%+@=-]", "_", segment).lstrip(".") or "_"


def _file_source(path: Path, kept: int) -> Source:
    return Source(path, str(path), _trail(path), kept)


def _trail(path: Path) -> tuple[str, ...]:
    return Path(os.path.abspath(path)).parts[1:]  # without the root, which is everybody's


def _of_folder(folder: Path, left_out: list[Path], base: Path | None = None) -> Iterator[Source]:
    """Yield the pictures below `folder`, hidden ones and outputs of earlier runs apart, in order.

    A folder that cannot be read is yielded itself, so that it is among the failures. Links to folders are
    not followed: they may lead in circles.
    """
    depth = len(_trail(base or folder))
    unreadable: list[Path] = []
    for place, folders, files in os.walk(
        folder, onerror=lambda error: unreadable.append(Path(error.filename))
    ):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (Path(place, name) for name in sorted(files)):
            if _is_asked(path, left_out):
                yield _file_source(path, len(_trail(path)) - depth)
    for path in unreadable:
        yield _file_source(path, 1)


def _of_pattern(pattern: str, left_out: list[Path]) -> Iterator[Source]:
    base = Path(*_before_magic(Path(pattern)))
    depth = len(_trail(base))
    for path in map(Path, sorted(glob.iglob(pattern, recursive=True))):
        if os.path.isdir(path):
            if "**" not in pattern:  # which has found what is below it already
                yield from _of_folder(path, left_out, base)
        elif _is_asked(path, left_out):
            yield _file_source(path, len(_trail(path)) - depth)


def _before_magic(pattern: Path) -> Iterator[str]:
    for part in pattern.parts:
        if glob.has_magic(part):
            return
        yield part


def _may_be_file(path: Path) -> bool:
    """Return whether it is a file; what one may not look at counts, so that it is among the failures."""
    try:
        return path.is_file()
    except OSError:
        return True


def _is_asked(path: Path, left_out: list[Path]) -> bool:
    """Return whether a file found in a folder is asked about; if not, and not hidden, it is left out."""
    if not _may_be_file(path):
        return False
    if is_picture(path):
        return True
    if not path.name.startswith("."):
        left_out.append(path)
    return False


def omission(left_out: Sequence[Path]) -> str:
    """Return a line that says which files are left out: how many of each kind, and some of their names."""
    kinds = Counter(path.suffix.lower() or "without a suffix" for path in left_out)
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(_KINDS))
    names = ", ".join(str(path) for path in left_out[:_NAMES])
    return (
        f"left out, since they are no pictures by their names or outputs of ours: {counted}"
        f"{', ...' if len(kinds) > _KINDS else ''} ({names}{', ...' if len(left_out) > _NAMES else ''})"
    )


def _but(left_out: Sequence[Path]) -> str:
    return f"; {omission(left_out)}" if left_out else ""


def is_picture(path: Path) -> bool:
    """Return whether a file found in a folder is taken for a picture that somebody asks about."""
    if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES:
        return False
    return PurePosixPath(path.stem).suffix.removeprefix(".") not in RESULTS  # an output of ours


# Pairs


def _pairs(meant: Sequence[Meant]) -> Iterator[tuple[Source, ...]]:
    if len(meant) % 2:
        raise BadWords("this service compares two pictures: give two, or two folders, or one of each")
    for left, right in zip(meant[::2], meant[1::2], strict=True):
        if left.many and right.many:
            yield from _same_names(left, right)
        else:
            yield from ((a, b) for a in left.sources for b in right.sources)


def _same_names(left: Meant, right: Meant) -> Iterator[tuple[Source, ...]]:
    others = {source.below: source for source in right.sources}
    alone = {source.below for source in left.sources} ^ set(others)
    if alone:
        example = "/".join(min(alone))
        raise BadWords(
            f"{left.word} and {right.word} are compared name by name, "
            f"and {len(alone)} names are in one alone ({example})"
        )
    yield from ((source, others[source.below]) for source in left.sources)


# Names of outputs


def _outputs(service: str, groups: Sequence[tuple[Source, ...]]) -> list[PurePosixPath]:
    """Return a path for each group, no two alike: below its argument, with more of its place if need be."""
    trails = [_output_trail(service, group) for group in groups]
    depths = [max(source.kept for source in group) for group in groups]
    while True:
        names = [trail[-depth:] for trail, depth in zip(trails, depths, strict=True)]
        taken = Counter(names)
        alike = [index for index, name in enumerate(names) if taken[name] > 1]
        if not alike:
            return [PurePosixPath(*name) for name in names]
        for index in alike:
            depths[index] += 1


def _output_trail(service: str, group: tuple[Source, ...]) -> tuple[str, ...]:
    """Return the group's place: at its end the output's name, at its beginning what no other group has.

    Of two pictures that place counts which was found deeper below its argument.
    """
    leaves = [PurePosixPath(source.trail[-1]) for source in group]
    stem = "-".join([*(leaf.stem for leaf in leaves[:-1]), leaves[-1].stem])
    suffix = leaves[0].suffix
    leaf = f"{stem}.{service}{suffix}"
    if suffix.lower() not in KEPT_SUFFIXES:
        leaf = f"{stem}{suffix}.{service}.png"
    identity = _digest("\n".join("/".join(source.trail) for source in group))
    place = max(group, key=lambda source: source.kept).trail[:-1]
    return (identity, *place, leaf)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def listed(content: bytes, service: str) -> list[str]:
    """Return the words in a list, one a line, or two with a tab between; raises BadWords.

    Without a mark that says UTF-8 or UTF-16, words are any bytes, as names of files are.
    """
    words: list[str] = []
    wanted = 2 if takes_two(service) else 1
    for number, line in enumerate(_text(content).replace("\r\n", "\n").split("\n"), start=1):
        found = line.split("\t") if wanted == 2 else [line]
        if not line.strip():
            continue
        if len(found) != wanted:
            raise BadWords(f"line {number} of the list: two pictures with a tab between are needed")
        words += found
    return words


def _text(content: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            try:
                return content.removeprefix(mark).decode(encoding)
            except UnicodeDecodeError as error:
                raise BadWords(f"the list begins as {encoding.upper()} and is not: {error.reason}") from None
    return os.fsdecode(content)
