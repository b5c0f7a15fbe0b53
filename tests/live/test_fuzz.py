"""Mutated bodies and mutated pictures against the running system: no 5xx, no hang, no growth."""

import base64
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import psutil
import pytest
from PIL import Image

from embedded.paths import SHARED_MEMORY
from embedded.system import System
from gateway.services import SERVICES, Service
from tests.hazards import HAZARDS, encode, scene

ROUNDS = 1000
WARM_UP = 300
"""Requests after which memory has found its level."""
MAX_GROWTH_MIB = 48
TIMEOUT_S = 20.0
CODES: dict[int, set[int | None]] = {
    200: {None},
    400: {40001, 40002, 40003, 40004},
    413: {41302},
}


@dataclass(frozen=True)
class Footprint:
    """What the running system holds."""

    memory_mib: float
    handles: int
    processes: int
    regions: int

    @classmethod
    def of(cls, system: System) -> "Footprint":
        processes = [
            process
            for child in system.processes()
            for process in (psutil.Process(child.pid), *child.descendants())
        ]
        return cls(
            sum(process.memory_info().rss for process in processes) / 2**20,
            sum(process.num_fds() for process in processes),
            len(processes),
            len(list(SHARED_MEMORY.iterdir())),
        )


def mutate(data: bytes, chance: random.Random) -> bytes:
    """One to eight random edits: a byte changed, bytes inserted, cut out, doubled, or the end cut off."""
    edited = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(edited) + 1)
        span = slice(at, at + chance.randint(1, 16))
        edits: list[Callable[[], bytes]] = [
            lambda: bytes([chance.randrange(256)]),
            lambda span=span: bytes(edited[span]) + chance.randbytes(3),  # type: ignore[misc]
            lambda: b"",
            lambda span=span: bytes(edited[span]) * 2,  # type: ignore[misc]
        ]
        edited[span] = chance.choice(edits)()
        if chance.random() < 0.05:
            del edited[chance.randrange(len(edited) + 1) :]
    return bytes(edited)


def bodies(chance: random.Random) -> Iterator[bytes]:
    """Requests that are nearly right, in structure or in bytes."""
    image = base64.b64encode(encode(scene(), "BMP")).decode()  # forgives a changed byte
    values = [
        image,
        image[:-3],
        "",
        None,
        7,
        [image],
        {"image": image},
        "data:image/png;base64," + image,
        "\x00é",
    ]
    while True:
        body = json.dumps({chance.choice(["image", "Image", "images"]): chance.choice(values)}).encode()
        yield body if chance.random() < 0.3 else mutate(body, chance)


def pictures(chance: random.Random) -> Iterator[bytes]:
    """Picture files of every kind, each a little wrong."""
    files = [hazard.make() for hazard in HAZARDS if hazard.name not in {"very_wide", "very_high", "empty"}]
    files += [
        encode(scene().resize((320, 240)), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
    ]
    files.append(encode(scene(), "PNG", exif=Image.Exif()))
    while True:
        yield mutate(chance.choice(files), chance)


def as_body(picture: bytes) -> bytes:
    return json.dumps({"image": base64.b64encode(picture).decode()}).encode()


@pytest.mark.parametrize("kind", ["bodies", "pictures"])
def test_a_thousand_mutations_give_no_fault_and_no_growth(kind: str, system: System) -> None:
    chance = random.Random(20)
    source = bodies(chance) if kind == "bodies" else (as_body(picture) for picture in pictures(chance))
    url = f"{system.gateway_url()}/api/predict/image_classification"
    warm = Footprint.of(system)
    seen: dict[int, int] = {}
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
        for index in range(ROUNDS):
            body = next(source)
            response = client.post(url, content=body)
            answer = response.json()
            assert answer.get("error_code") in CODES.get(response.status_code, set()), (index, answer, body)
            assert answer["success"] == (response.status_code == 200)
            seen[response.status_code] = seen.get(response.status_code, 0) + 1
            if index == WARM_UP:
                warm = Footprint.of(system)
    now = Footprint.of(system)
    assert min(seen[200], seen[400]) > ROUNDS // 50, (
        "the mutations are too harsh or too mild to find anything"
    )
    assert now.processes == warm.processes
    assert now.regions == warm.regions
    assert now.handles <= warm.handles + 5
    assert now.memory_mib <= warm.memory_mib + MAX_GROWTH_MIB


@pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))
def test_mutated_pictures_never_fault_any_service(service: Service, system: System) -> None:
    """Fewer, since each that decodes may cost a detection."""
    chance = random.Random(21)
    url = f"{system.gateway_url()}/api/predict/{service.name}"
    with httpx.Client(timeout=60, trust_env=False) as client:
        for picture in (next(pictures(chance)) for _ in range(40)):
            body = dict.fromkeys(service.pictures, base64.b64encode(picture).decode())
            response = client.post(url, json=body)
            assert response.json().get("error_code") in CODES.get(response.status_code, set()), response.text
