"""Whether an answer under load is the one that the same request got alone: nobody else's, and not empty."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from bench.wire import Response, fields

TOLERANCE = 1e-6
"""By which numbers may differ, absolutely or relatively: those of a row do not depend on its batch."""

_ID = re.compile(rb'"request_id":"([0-9a-f]{32})"')
_FAILURE = {"request_id", "success", "error_code", "error_msg"}


class Verdict(StrEnum):
    """What became of a request."""

    RIGHT = "right"
    """Answered as it was alone; a request that is refused alone must be refused alike."""
    WRONG = "wrong"
    """Answered with something else, or in another shape than the contract's."""
    REFUSED = "refused"
    """429: too many requests in flight."""
    FAILED = "failed"
    """Another failure than it had alone, or no answer."""
    HUNG_UP = "hung up"
    """Left by its own client."""


class Judgement(NamedTuple):
    """A verdict, the code (200 or the contract's `error_code`), the request id, and what is wrong."""

    verdict: Verdict
    code: int
    request_id: str
    detail: str = ""


class Exchange(NamedTuple):
    """One request of a load and what became of it; times are `time.monotonic()` in seconds."""

    service: str
    picture: str
    due: float
    """When it was to be sent; latency counts from here, since callers do not wait for one another."""
    sent: float
    ended: float
    status: int
    """HTTP's; 0 where no answer came."""
    retry_after: bool
    judgement: Judgement

    @property
    def latency_s(self) -> float:
        """Return what its caller waited."""
        return self.ended - self.due

    @property
    def verdict(self) -> Verdict:
        """Return what became of it."""
        return self.judgement.verdict


def judge(expected: Response | None, response: Response) -> Judgement:
    """Compare `response` with the response that is `expected`, where that is known."""
    if response.status != 200:
        return _judge_failure(expected, response)
    if expected is None:
        return _judge_shape(response)
    if expected.status == 200:
        return _judge_success(expected.body, response.body)
    return Judgement(Verdict.WRONG, 200, "", f"answered, but alone it is {expected.status}")


def _judge_shape(response: Response) -> Judgement:
    answer = fields(response.body)
    identity = str(answer.get("request_id", ""))
    if identity and answer.get("success") is True and len(answer) > len(("request_id", "success")):
        return Judgement(Verdict.RIGHT, 200, identity)
    return Judgement(Verdict.WRONG, 200, identity, "an answer without fields")


def without_id(body: bytes) -> bytes:
    """Return `body` with its request id left out: the rest is the same whenever the same is asked."""
    return _ID.sub(b'"request_id":""', body, count=1)


def _judge_success(expected: bytes, body: bytes) -> Judgement:
    match = _ID.search(body)
    identity = match[1].decode("ascii") if match else ""
    # Nearly always the bytes are the same, and nothing needs to be read.
    if match and without_id(body) == without_id(expected):
        return Judgement(Verdict.RIGHT, 200, identity)
    due, answer = fields(expected), fields(body)
    identity = str(answer.get("request_id", ""))
    due["request_id"] = identity
    problem = "no request id" if not identity else difference(due, answer)
    return Judgement(Verdict.WRONG if problem else Verdict.RIGHT, 200, identity, problem)


def _judge_failure(expected: Response | None, response: Response) -> Judgement:
    answer = fields(response.body)
    code, identity = answer.get("error_code"), str(answer.get("request_id", ""))
    if not isinstance(code, int) or not answer.keys() >= _FAILURE or answer["success"] is not False:
        return Judgement(Verdict.WRONG, 0, identity, f"{response.status} without the contract's fields")
    if code // 100 != response.status:
        return Judgement(Verdict.WRONG, code, identity, f"code {code} under status {response.status}")
    if response.status == 429:
        return Judgement(Verdict.REFUSED, code, identity)
    if expected is not None and code == fields(expected.body).get("error_code"):
        return Judgement(Verdict.RIGHT, code, identity)
    message = str(answer["error_msg"]).replace(identity, "<id>") if identity else "no request id"
    return Judgement(Verdict.FAILED, code, identity, message[:200])


def difference(expected: object, actual: object, where: str = "answer") -> str:
    """Return where `actual` differs from `expected`, both from JSON, or nothing if only within TOLERANCE."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        if list(expected) != list(actual):
            return f"{where} has other keys"
        pairs = [(expected[key], actual[key], f"{where}.{key}") for key in expected]
        return _first(pairs)
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return f"{where} has {len(actual)} elements for {len(expected)}"
        return _first((a, b, f"{where}[{index}]") for index, (a, b) in enumerate(zip(expected, actual)))  # noqa: B905 - compared
    if _is_number(expected) and _is_number(actual):
        close = math.isclose(expected, actual, rel_tol=TOLERANCE, abs_tol=TOLERANCE)  # type: ignore[arg-type]
        return "" if close else f"{where} is {actual} for {expected}"
    return "" if expected == actual and type(expected) is type(actual) else f"{where} differs"


def _first(pairs: Iterable[tuple[object, object, str]]) -> str:
    return next((problem for a, b, where in pairs if (problem := difference(a, b, where))), "")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# Over many answers


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the least of `values` that `percent` of them do not exceed (nearest rank); NaN of none."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def p99_ms(exchanges: Iterable[Exchange]) -> float:
    """Return the latency in milliseconds that 99 of 100 do not exceed; NaN of none."""
    return percentile((exchange.latency_s for exchange in exchanges), 99) * 1e3


def of(exchanges: Iterable[Exchange], verdict: Verdict) -> list[Exchange]:
    """Return those with this verdict."""
    return [exchange for exchange in exchanges if exchange.verdict is verdict]


def repeated_ids(exchanges: Iterable[Exchange]) -> list[str]:
    """Return the request ids that more than one answer has, and an empty one for an answer without."""
    counts = Counter(exchange.judgement.request_id for exchange in exchanges if exchange.status)
    return [identity for identity, count in counts.items() if count > 1 or not identity]


def wrong_answers(exchanges: Sequence[Exchange]) -> list[str]:
    """Return, in words, each answer that is wrong, and each request id that was given twice."""
    wrong = [f"{one.service} {one.picture}: {one.judgement.detail}" for one in of(exchanges, Verdict.WRONG)]
    return wrong + [f"request id {identity or '(none)'} repeated" for identity in repeated_ids(exchanges)]


def summary(exchanges: Iterable[Exchange]) -> str:
    """Return how many had which code and detail, of which services, the commonest first."""
    services: dict[str, Counter[str]] = {}
    for one in exchanges:
        what = f"{one.judgement.code or one.status or 'none'} {one.judgement.detail}".strip()
        services.setdefault(what, Counter())[one.service] += 1
    commonest = sorted(services.items(), key=lambda item: -item[1].total())[:4]
    return "; ".join(
        f"{some.total()} x {what} ({', '.join(name for name, _ in some.most_common(3))})"
        for what, some in commonest
    )
