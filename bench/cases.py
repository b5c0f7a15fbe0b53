"""What a load asks: many different pictures for every service, each with the answer that it got alone.

No two pictures of a service have the same answer, so that an answer that went to the wrong request is seen.
"""

import asyncio
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

import orjson
import pybase64
from PIL import Image, ImageDraw

from bench.answers import without_id
from bench.hazards import HAZARDS
from bench.wire import Pool, Response, post
from bench.wire import fields as json_fields
from demo.samples import SAMPLES, SHELF
from evaluation.picture_files import encoded
from gateway.errors import ModelUnavailable
from gateway.services import SERVICES
from modelhub.present import font

PICTURES, LEAST = 12, 4
"""Of each service; of one that takes long, as many as are asked in ENOUGH_S, but not fewer than the least."""
ENOUGH_S = 5.0
PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "china.jpg", "rocket.jpg", "flower.jpg")
PATIENCE_S = 60.0
"""Seconds after which a request without an answer counts as hung: twice the gateway's deadline."""
_TRIES = 4  # pictures tried for each that is kept
_LETTERS = "ABCDEFHKLMNPRTUVXYZ2345679"


@dataclass(frozen=True, slots=True)
class Case:
    """One request as it goes over the wire, and the answer it must get."""

    service: str
    picture: str
    request: bytes
    expected: Response | None
    """None where that is not known: any answer of the contract's shape will do."""
    hang_up: float | None = None
    """The share of the request after which its client leaves; None for one that waits for its answer."""


@dataclass(frozen=True, slots=True)
class Repertoire:
    """All that a load may ask, by service, and the seconds that an answer of each takes alone."""

    cases: Mapping[str, Sequence[Case]]
    seconds: Mapping[str, float]

    def weights(self) -> dict[str, float]:
        """Return the share of requests that each service gets so that all take the same machine time."""
        speeds = {service: 1 / seconds for service, seconds in self.seconds.items()}
        return {service: speed / sum(speeds.values()) for service, speed in speeds.items()}


class TooAlike(RuntimeError):  # noqa: N818 - what the pictures are
    """A service gives so many pictures one answer that a mix-up would go unseen."""


def pictures(service: str, chance: Random) -> Iterator[list[bytes]]:
    """Yield the files of one request after another, none like another."""
    while True:
        match service:
            case "ocr":
                yield [sign(chance)]
            case "shelf_counting":
                yield [_part(Image.open(SHELF), chance, (0.5, 0.9), (480, 720))]
            case "image_colorization":
                yield [photo(chance, "L")]
            case _:
                yield [photo(chance) for _ in SERVICES[service].pictures]


def photo(chance: Random, mode: str = "RGB") -> bytes:
    """Return a part of a sample as JPEG, of 96 to 240 pixels."""
    return _part(Image.open(SAMPLES / chance.choice(PHOTOS)), chance, (0.4, 1.0), (96, 240), mode)


def sign(chance: Random) -> bytes:
    """Return one drawn line of random letters, as JPEG."""
    text = "".join(chance.choices(_LETTERS, k=chance.randint(4, 9)))
    picture = Image.new("RGB", (chance.randint(180, 260), chance.randint(56, 80)), "white")
    ImageDraw.Draw(picture).text((14, 14), text, fill="black", font=font(28))
    return encoded(picture, "JPEG", quality=90)


def _part(
    picture: Image.Image,
    chance: Random,
    shares: tuple[float, float],
    sides: tuple[int, int],
    mode: str = "RGB",
) -> bytes:
    """Return a random cut of `picture`, whose width and height are `shares` of it, of at most `sides`."""
    width, height = (round(side * chance.uniform(*shares)) for side in picture.size)
    left, top = chance.randint(0, picture.width - width), chance.randint(0, picture.height - height)
    cut = picture.convert(mode).crop((left, top, left + width, top + height))
    side = chance.randint(*sides)
    cut.thumbnail((side, side))
    return encoded(cut, "JPEG", quality=85)


def request(service: str, files: Sequence[bytes]) -> bytes:
    """Return the request that sends picture files to `service`."""
    names = SERVICES[service].pictures
    texts = [pybase64.b64encode(file).decode("ascii") for file in files]
    return post(f"/api/predict/{service}", orjson.dumps(dict(zip(names, texts, strict=True))))


async def repertoire(url: str, services: Iterable[str], count: int = PICTURES, seed: int = 6) -> Repertoire:
    """Ask at most `count` different pictures of every service, one at a time; what is not loaded is left out.

    Raises TooAlike, RuntimeError where a picture is not answered, and what `Pool.ask` raises.
    """
    cases: dict[str, list[Case]] = {}
    seconds: dict[str, float] = {}
    async with Pool(url) as pool:
        for service in services:
            found = await _distinct(pool, service, count, Random(f"{seed} {service}"))
            if found:
                cases[service], seconds[service] = found
    return Repertoire(cases, seconds)


async def _distinct(pool: Pool, service: str, count: int, chance: Random) -> tuple[list[Case], float] | None:
    kept: dict[bytes, Case] = {}
    times: list[float] = []
    loop = asyncio.get_running_loop()
    for index, files in enumerate(islice(pictures(service, chance), count * _TRIES)):
        case_request = request(service, files)
        start = loop.time()
        response = await pool.ask(case_request, PATIENCE_S)
        times.append(loop.time() - start)
        if response.status == ModelUnavailable.code // 100:
            return None
        if response.status != 200:
            raise RuntimeError(f"{service} does not answer {response.status}: {response.body[:200]!r}")
        kept.setdefault(without_id(response.body), Case(service, str(index), case_request, response))
        if len(kept) == count or (len(kept) >= LEAST and sum(times) > ENOUGH_S):
            return list(kept.values()), statistics.median(times)
    raise TooAlike(f"{service}: only {len(kept)} different answers to {count * _TRIES} pictures")


# What nobody should send


def nuisances(service: str) -> Iterator[tuple[str, bytes]]:
    """Yield a name and a request of everything that is hard or wrong for `service`."""
    for hazard in HAZARDS:
        yield hazard.name, request(service, [hazard.make()] * len(SERVICES[service].pictures))
    path = f"/api/predict/{service}"
    field = SERVICES[service].pictures[0]
    bodies = {
        "not_json": b"{",
        "no_object": b"[]",
        "no_field": b"{}",
        "wrong_type": b'{"%s": 5}' % field.encode(),
        "not_base64": b'{"%s": "*"}' % field.encode(),
        "no_body": b"",
        "nested": b"[" * 2000 + b"]" * 2000,
    }
    for name, body in bodies.items():
        yield name, post(path, body)
    yield "no_service", post("/api/predict/nothing", b"{}")
    yield "wrong_method", b"GET %s HTTP/1.1\r\nHost: modelhub\r\n\r\n" % path.encode()


async def nuisance_cases(url: str, services: Iterable[str], together: int = 1) -> list[Case]:
    """Ask everything of `nuisances`, each `together` times at once, and return it with the answers.

    Nothing else is asked meanwhile, and all answers are kept. An answer that is neither a success nor a
    refusal of the request is not accepted: RuntimeError.
    """
    cases = []
    async with Pool(url) as pool:
        for service in services:
            for name, one in nuisances(service):
                asked = (pool.ask(one, PATIENCE_S) for _ in range(together))
                response, *_ = responses = await asyncio.gather(*asked)
                if refused := [response.body for response in responses if response.status >= 429]:
                    raise RuntimeError(f"{service} {name}: {json_fields(refused[0])}")
                cases.append(Case(service, name, one, response))
    return cases


def hanging_up(cases: Sequence[Case], shares: Sequence[float] = (0.5, 1.0)) -> list[Case]:
    """Return the cases as clients ask them that leave when these shares of them are sent."""
    return [
        Case(one.service, f"{one.picture}, left", one.request, one.expected, share)
        for one in cases
        for share in shares
    ]
