"""Whether an answer that a page shows is the one that came, shortened."""

import re
from collections.abc import Iterator

ANY = frozenset({"request_id"})
"""Fields that differ from one answer to the next."""
CUT = "..."
RELATIVE, ABSOLUTE = 0.05, 0.02
"""How far numbers may be apart: nets of whole numbers round differently on other processors."""


def differences(shown: object, came: object, where: str = "answer") -> Iterator[str]:
    """Yield where `shown` is not `came` shortened.

    Shortened is an object of which fields of numbers by name are left out below its top, a list that is cut
    at its end, and a text that is cut where `...` stands. Numbers are compared with a tolerance.
    """
    if isinstance(shown, dict) and isinstance(came, dict):
        yield from _of_objects(shown, came, where)
    elif isinstance(shown, list) and isinstance(came, list):
        if len(shown) > len(came) or (came and not shown):
            yield f"{where}: {len(shown)} of {len(came)}"
        for index, (one, other) in enumerate(zip(shown, came, strict=False)):
            yield from differences(one, other, f"{where}[{index}]")
    elif not _alike(shown, came):
        yield f"{where}: {str(shown)[:60]} is {str(came)[:60]}"


def _of_objects(shown: dict[str, object], came: dict[str, object], where: str) -> Iterator[str]:
    if where == "answer" and set(shown) != set(came):
        yield f"{where}: fields differ by {', '.join(sorted(set(shown) ^ set(came)))}"
    for name, value in shown.items():
        if name not in came:
            yield f"{where}.{name}: is not there"
        elif name not in ANY:
            yield from differences(value, came[name], f"{where}.{name}")


def _alike(shown: object, came: object) -> bool:
    if isinstance(shown, bool) or isinstance(came, bool):
        return shown is came
    if isinstance(shown, int | float) and isinstance(came, int | float):
        both_whole = isinstance(shown, int) and isinstance(came, int)
        return shown == came if both_whole else abs(shown - came) <= ABSOLUTE + RELATIVE * abs(came)
    if isinstance(shown, str) and isinstance(came, str):
        return matches(shown, came)
    return shown == came


def matches(shown: str, came: str) -> bool:
    """Tell whether `shown` is `came`, any characters standing where `...` does."""
    return re.fullmatch(".*?".join(map(re.escape, shown.split(CUT))), came, re.DOTALL) is not None


def missing_lines(shown: str, printed: str) -> list[str]:
    """Return the lines of `shown` that are none of `printed`; blanks at the ends do not count."""
    lines = [line.strip() for line in printed.splitlines()]
    wanted = [line.strip() for line in shown.splitlines() if line.strip()]
    return [line for line in wanted if not any(matches(line, other) for other in lines)]
