"""Whether several servers answer the same: nothing is timed before they do."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from bench.speed import gateway_call

_ITS_OWN = "request_id"


class Disagreement(RuntimeError):  # noqa: N818
    """Two servers answer one picture differently; the message names them and the fields."""


def check_agreement(urls: Mapping[str, str], service: str, images: Sequence[bytes]) -> None:
    """Ask every server about every picture. Raises Disagreement."""
    (first, *others) = urls
    for number, image in enumerate(images):
        answers = {server: orjson.loads(_answer(url, service, image)) for server, url in urls.items()}
        for other in others:
            fields = differing(answers[first], answers[other])
            if fields:
                raise Disagreement(
                    f"{service}, picture {number}: {other} and {first} differ in {', '.join(fields)}"
                )


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the fields, in order of the alphabet, that only one answer has or that differ in any bit."""
    names = (set(one) | set(other)) - {_ITS_OWN}
    return sorted(name for name in names if name not in one or name not in other or one[name] != other[name])


def _answer(url: str, service: str, image: bytes) -> bytes:
    answer = gateway_call(url, service)(image)
    if not isinstance(answer, bytes):
        raise TypeError(f"{type(answer)} is not a body")
    return answer
