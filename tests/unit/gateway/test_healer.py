"""The healer and the recovery in front of a repository whose processes die as a test says."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
import pytest

from gateway.errors import DeadlinePassed, DeadModel, InternalFault, ModelUnavailable
from gateway.healer import ANSWERS_FOR_PINGS, Healer
from gateway.recovery import ATTEMPTS, Recovery
from gateway.triton_repository import Processes
from modelhub.kinds import Tensors
from modelhub_pictures.errors import NotAnImage
from tests.unit.gateway.conftest import until

NET, STEP, OTHER = "ocr_net", "ocr_preprocess", "shelf_counting_net"
SERVICES = ["ocr", "shelf_counting"]
ANSWER = {"answer": np.array([7])}


class FakeRepository:
    """Models with two processes each; a reload brings them back, unless the model is in `unloadable`."""

    def __init__(self) -> None:
        self.lives: dict[str, list[bool | None]] = {model: [True, True] for model in (NET, STEP, OTHER)}
        self.reloaded: list[str] = []
        self.pinged: list[str] = []
        self.unloadable: set[str] = set()
        self.loading = asyncio.Event()
        self.loading.set()

    async def processes(self) -> list[Processes]:
        return [Processes(model, 2, None) for model in self.lives]

    async def alive(self, processes: Processes) -> list[bool | None]:
        self.pinged.append(processes.model)
        return list(self.lives[processes.model])

    async def reload(self, model: str) -> None:
        self.reloaded.append(model)
        await self.loading.wait()
        if model in self.unloadable:
            raise ModelUnavailable
        self.lives[model] = [True, True]


class DyingTriton:
    """Raises `failures` one after another, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    async def infer(self, model: str, inputs: Tensors, request_id: str, timeout_s: float) -> Tensors:
        self.calls += 1
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        return ANSWER


@dataclass
class Clock:
    """The healer's clock, which a test turns."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock()
    monkeypatch.setattr("gateway.healer.time", one)
    return one


@pytest.fixture
def repository() -> FakeRepository:
    return FakeRepository()


@asynccontextmanager
async def healer_of(repository: FakeRepository, hung_after_s: float = 30) -> AsyncIterator[Healer]:
    healer = Healer(repository, SERVICES, 0.02, hung_after_s)
    yield healer
    await healer.close()


async def recovered(triton: DyingTriton, healer: Healer | None, timeout_s: float = 5) -> Tensors:
    return await Recovery(triton.infer, healer).infer("ocr", {}, "id", timeout_s)


@pytest.mark.parametrize("signs", [[True, False], [False, True], [False, False], [None, False]])
async def test_a_round_finds_a_dead_process_whichever_it_is(
    repository: FakeRepository, signs: list[bool | None]
) -> None:
    repository.lives[STEP] = signs
    async with healer_of(repository) as healer:
        await healer.round()
        await healer.wait_for_reloads("ocr")
        assert repository.reloaded == [STEP]
        await healer.round()
        await healer.wait_for_reloads("ocr")
        assert repository.reloaded == [STEP]


async def test_silence_alone_is_no_death_until_it_has_lasted(
    repository: FakeRepository, clock: Clock
) -> None:
    repository.lives[NET] = [True, None]
    async with healer_of(repository, hung_after_s=5) as healer:
        await healer.round()
        assert not repository.reloaded
        repository.lives[NET] = [True, True]
        await healer.round()
        clock.now += 6
        repository.lives[NET] = [None, True]
        await healer.round()
        assert not repository.reloaded, "silence is counted from its beginning"
        clock.now += 6
        await healer.round()
        await healer.wait_for_reloads("ocr")
        assert repository.reloaded == [NET]


async def test_who_answers_requests_is_busy_and_not_hung(repository: FakeRepository, clock: Clock) -> None:
    repository.lives[NET] = [None, None]
    async with healer_of(repository, hung_after_s=5) as healer:
        for _ in range(5):
            healer.answered("ocr")
            await healer.round()
            clock.now += 3
        assert not repository.reloaded


async def test_a_service_that_answers_is_not_pinged(repository: FakeRepository) -> None:
    async with healer_of(repository) as healer:
        for _ in range(ANSWERS_FOR_PINGS):
            healer.answered("ocr")
        await healer.round()
        assert repository.pinged == [OTHER]
        await healer.round()
        assert repository.pinged == [OTHER, NET, STEP, OTHER]


async def test_many_requests_that_meet_one_death_have_it_healed_once(repository: FakeRepository) -> None:
    async with healer_of(repository) as healer:
        began = time.monotonic()
        for _ in range(5):
            healer.report(NET, began)
        await healer.wait_for_reloads("ocr")
        healer.report(NET, began)  # queued behind the dead process, and told of it only now
        await healer.wait_for_reloads("ocr")
        assert repository.reloaded == [NET]
        healer.report(NET, time.monotonic())
        await healer.wait_for_reloads("ocr")
        assert repository.reloaded == [NET, NET]


async def test_a_model_that_does_not_load_is_tried_again(repository: FakeRepository) -> None:
    repository.unloadable.add(NET)
    async with healer_of(repository) as healer:
        healer.report(NET, time.monotonic())
        await eventually(lambda: len(repository.reloaded) == 3)
        repository.unloadable.clear()
        await eventually(lambda: len(repository.reloaded) == 4)
        await asyncio.sleep(0.2)
        assert len(repository.reloaded) == 4


async def test_a_report_takes_the_place_of_the_next_attempt(
    repository: FakeRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.healer.FIRST_PAUSE_S", 0.2)
    repository.unloadable.add(NET)
    async with healer_of(repository) as healer:
        healer.report(NET, time.monotonic())
        await healer.wait_for_reloads("ocr")
        repository.unloadable.clear()
        healer.report(NET, time.monotonic())
        await healer.wait_for_reloads("ocr")
        await asyncio.sleep(0.3)
        assert repository.reloaded == [NET, NET]


async def test_a_closed_healer_tries_nothing_again(
    repository: FakeRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.healer.FIRST_PAUSE_S", 0.1)
    repository.unloadable.add(NET)
    async with healer_of(repository) as healer:
        healer.report(NET, time.monotonic())
        await healer.wait_for_reloads("ocr")
    await asyncio.sleep(0.2)
    assert repository.reloaded == [NET]


async def test_the_caller_of_a_request_that_met_a_dead_process_has_its_answer(
    repository: FakeRepository,
) -> None:
    async with healer_of(repository) as healer:
        triton = DyingTriton(DeadModel(NET))
        assert await recovered(triton, healer) is ANSWER
        assert repository.reloaded == [NET]
        assert triton.calls == 2


async def test_requests_wait_while_their_service_is_healed_and_others_do_not(
    repository: FakeRepository,
) -> None:
    repository.loading.clear()
    async with healer_of(repository) as healer:
        healer.report(NET, time.monotonic())
        triton = DyingTriton()
        waiting = asyncio.create_task(recovered(triton, healer))
        await Recovery(triton.infer, healer).infer("shelf_counting", {}, "id", 5)
        await asyncio.sleep(0.05)
        assert triton.calls == 1
        assert not waiting.done()
        repository.loading.set()
        assert await waiting is ANSWER


async def test_waiting_for_a_healed_service_ends_at_the_deadline(repository: FakeRepository) -> None:
    repository.loading.clear()
    async with healer_of(repository) as healer:
        healer.report(NET, time.monotonic())
        triton = DyingTriton()
        with pytest.raises(DeadlinePassed):
            await recovered(triton, healer, timeout_s=0.05)
        assert not triton.calls


@pytest.mark.parametrize("failure", [ModelUnavailable(), InternalFault()])
async def test_who_is_caught_by_an_unload_is_sent_again(
    repository: FakeRepository, failure: Exception
) -> None:
    async with healer_of(repository) as healer:
        triton = DyingTriton(failure)
        request = asyncio.create_task(recovered(triton, healer))
        await asyncio.sleep(0)
        healer.report(STEP, time.monotonic())
        assert await request is ANSWER


@pytest.mark.parametrize("failure", [ModelUnavailable(), InternalFault(), NotAnImage("no"), DeadlinePassed()])
async def test_other_failures_are_not_tried_again(repository: FakeRepository, failure: Exception) -> None:
    async with healer_of(repository) as healer:
        triton = DyingTriton(failure)
        with pytest.raises(type(failure)):
            await recovered(triton, healer)
        assert triton.calls == 1


async def test_without_a_healer_another_process_is_tried() -> None:
    triton = DyingTriton(DeadModel(NET))
    assert await recovered(triton, None) is ANSWER


async def test_attempts_are_bounded() -> None:
    triton = DyingTriton(*[DeadModel(NET) for _ in range(9)])
    with pytest.raises(DeadModel):
        await recovered(triton, None)
    assert triton.calls == ATTEMPTS


async def test_a_request_that_is_late_is_not_begun() -> None:
    triton = DyingTriton()
    with pytest.raises(DeadlinePassed):
        await recovered(triton, None, timeout_s=0)
    assert not triton.calls


async def eventually(condition: "object") -> None:
    assert callable(condition)
    await asyncio.to_thread(until, condition)
