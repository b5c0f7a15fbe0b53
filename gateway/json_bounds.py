"""How much JSON a body may hold beside its pictures, looked at before it is parsed.

Three bytes of `[],` become seventy in memory: 32 MiB of them take 800 MiB, and the parser lets nobody else
run for seconds. A request has a handful of values, and Base64 has none of the characters that are counted
here.
"""

from gateway.errors import NotAnObject

MAX_MARKS = 10_000
"""Commas and opening brackets in a body, in texts too: as many values as it may have, and fewer."""

MAX_DEPTH = 1024
"""Lists and objects within each other. The parser's own bound, which it keeps to without using a stack."""

_MARKS = (b",", b"[", b"{")


def check_marks(body: bytes) -> None:
    """Raise NotAnObject if `body` has more than MAX_MARKS; that takes a millisecond or two of the longest."""
    marks = 0
    for mark in _MARKS:
        at = body.find(mark)
        while at >= 0:
            marks += 1
            if marks > MAX_MARKS:
                raise NotAnObject(f"the body has more than {MAX_MARKS} commas and opening brackets")
            at = body.find(mark, at + 1)
