"""Quality values, a caller's preferences in `Accept` and `Accept-Encoding` (RFC 9110, 12.4.2)."""

import re

_TOKEN = r"[!#$%&'*+.^_`|~0-9a-z-]+"
_MEMBER = re.compile(rf"\s*({_TOKEN}(?:/{_TOKEN})?)\s*((?:;[^;]*)*)")
_WEIGHT = re.compile(r"\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*")


def quality_values(value: str) -> dict[str, float]:
    """Return the weight, 0 to 1, of every member of a header's `value`, by its name in lower case.

    Of parameters only `q` is looked at; members that are malformed count as absent; of two of one name the
    last counts.
    """
    found = {}
    for member in value.lower().split(","):
        match = _MEMBER.fullmatch(member)
        if match is None:
            continue
        named = [one for one in match[2].split(";") if one.strip().startswith("q=")]
        weight = _WEIGHT.fullmatch(named[0]) if named else None
        if weight or not named:
            found[match[1]] = float(weight[1]) if weight else 1.0
    return found
