"""What Triton's log says of models that it refused."""

import re

_ROW = re.compile(r"^\| (?P<model>\S+) +\| \d+ +\| UNAVAILABLE: (?P<reason>.*?) *\|$", re.MULTILINE)
_LINE = re.compile(r"failed to load '(?P<model>[^']+)'[^:]*: (?P<reason>.+)$", re.MULTILINE)

_TRACEBACK = r"\n\nAt:"
"""What begins it, in the one line that Triton makes of it."""


def failed_models(log: str) -> list[str]:
    """Return `model: reason` for each model that a Triton log says failed to load, without its traceback."""
    reasons = {match["model"]: match["reason"] for match in _ROW.finditer(log)}
    for match in _LINE.finditer(log):
        reasons[match["model"]] = match["reason"].rstrip('"').partition(_TRACEBACK)[0]
    return [f"{model}: {reason}" for model, reason in sorted(reasons.items())]
