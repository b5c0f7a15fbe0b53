"""Mutated bodies and mutated pictures against the running system: no 5xx, no hang, no growth."""

import base64
import random
from collections import Counter
from collections.abc import Callable

import httpx
import psutil
import pytest

from bench.fuzzing import Footprint, Sent, fault, picture, picture_body, structured_body, typed_body
from embedded.paths import SHARED_MEMORY
from embedded.system import System
from gateway.services import SERVICES, Service

ROUNDS = 1000
WARM_UP = 300
"""Requests after which memory has found its level."""
MAX_GROWTH_MIB = 48
TIMEOUT_S = 20.0
SERVICE = SERVICES["image_classification"]


def held(system: System) -> tuple[Footprint, int]:
    """What the running system holds, and how many regions of shared memory there are."""
    roots = [psutil.Process(child.pid) for child in system.processes()]
    return Footprint.of(roots), len(list(SHARED_MEMORY.iterdir()))


@pytest.fixture
def fuzz() -> random.Random:
    return random.Random(20)


@pytest.mark.parametrize(
    "make", [structured_body, picture_body, typed_body], ids=["bodies", "pictures", "forms"]
)
def test_a_thousand_mutations_give_no_fault_and_no_growth(
    make: Callable[[Service, random.Random], Sent], system: System, fuzz: random.Random
) -> None:
    url = f"{system.gateway_url()}/api/predict/{SERVICE.name}"
    warm, warm_regions = held(system)
    seen: Counter[int] = Counter()
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
        for index in range(ROUNDS):
            body, content_type = make(SERVICE, fuzz)
            response = client.post(url, content=body, headers={"Content-Type": content_type})
            wrong = fault(SERVICE, response.status_code, response.content)
            assert not wrong, (index, wrong, body)
            seen[response.status_code] += 1
            if index == WARM_UP:
                warm, warm_regions = held(system)
    now, regions = held(system)
    assert min(seen[200], seen[400]) > ROUNDS // 50, (
        "the mutations are too harsh or too mild to find anything"
    )
    assert now.processes == warm.processes
    assert regions == warm_regions
    assert now.handles <= warm.handles + 5
    assert now.memory_mib <= warm.memory_mib + MAX_GROWTH_MIB


@pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))
def test_mutated_pictures_never_fault_any_service(
    service: Service, system: System, fuzz: random.Random
) -> None:
    """Fewer, since each that decodes may cost a detection."""
    url = f"{system.gateway_url()}/api/predict/{service.name}"
    with httpx.Client(timeout=60, trust_env=False) as client:
        for _ in range(40):
            body = dict.fromkeys(service.pictures, base64.b64encode(picture(fuzz)).decode())
            response = client.post(url, json=body)
            assert not fault(service, response.status_code, response.content), response.text
