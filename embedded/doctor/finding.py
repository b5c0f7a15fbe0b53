"""One line of what was found."""

from __future__ import annotations  # an old Python must be told that it is one

from collections.abc import Callable
from dataclasses import dataclass

OK, NOTE, PROBLEM = "ok", "note", "problem"
"""All is well; something that nothing depends on; something that has to be mended."""


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and what to do about it."""

    what: str
    state: str
    told: str
    remedy: str = ""


def looked_at(what: str, look: Callable[[], Finding]) -> Finding:
    """Return what `look` finds; its failure is a finding too, so that one line never hides the others."""
    try:
        return look()
    except Exception as error:
        return Finding(what, PROBLEM, f"could not be looked at: {type(error).__name__}: {error}")
