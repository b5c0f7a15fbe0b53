"""The names of a classifier's classes."""

from pathlib import Path

from export.errors import UnfitCheckpoint


def read_labels(path: Path, classes: int) -> tuple[str, ...]:
    """Return the lines of a UTF-8 text file, one name a class, in the order of the classifier's outputs.

    Raises UnfitCheckpoint unless they are `classes` different names; OSError.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError:
        raise UnfitCheckpoint(f"{path.name}: not UTF-8 text") from None
    names = tuple(line.strip() for line in lines)
    if len(names) != classes:
        raise UnfitCheckpoint(f"{path.name}: {len(names)} names, but the classifier has {classes} classes")
    for number, name in enumerate(names, start=1):
        if not name:
            raise UnfitCheckpoint(f"{path.name}: line {number} is empty")
        if names.index(name) < number - 1:
            raise UnfitCheckpoint(
                f"{path.name}: line {number} repeats {name!r}; its counts would be added up"
            )
    return names
