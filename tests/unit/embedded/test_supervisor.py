"""When a process is started again, and when one that lives is replaced: with a clock that the tests turn."""

import random
from dataclasses import dataclass, field

import pytest

from embedded import supervisor
from embedded.supervisor import HEALTHY_S, Backoff, Part, Readiness, Watchdog

TICK_S = 0.1


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeProcess:
    """A process that ends when its status is set; one that hangs ignores TERM."""

    status: int | None = None
    hangs: bool = False
    cleared: bool = False
    asked_to_end: bool = False

    def exit_status(self) -> int | None:
        return self.status

    def terminate(self) -> None:
        self.asked_to_end = True
        if not self.hangs:
            self.status = 0

    def clear(self) -> None:
        self.cleared = True
        self.status = self.status if self.status is not None else -9

    def reason(self) -> str:
        return "a_net: no such file"


@dataclass
class World:
    """A part with everything around it."""

    clock: Clock = field(default_factory=Clock)
    started: list[tuple[float, FakeProcess]] = field(default_factory=list)
    reports: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    ready: bool = True
    no_memory: bool = False

    def __post_init__(self) -> None:
        self.part = Part("Triton", self.launch, lambda: self.ready, 15, self.clock, self.tell)
        self.part.start()
        self.part.answered()

    def launch(self) -> FakeProcess:
        if self.no_memory:
            raise OSError("Cannot allocate memory")
        self.started.append((self.clock.now, FakeProcess()))
        return self.process

    def tell(self, sentence: str, **fields: object) -> None:
        self.reports.append((sentence, fields))

    @property
    def process(self) -> FakeProcess:
        return self.started[-1][1]

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.part.watch()
            self.clock.now += TICK_S

    def events(self) -> list[object]:
        return [fields["event"] for _, fields in self.reports]


@pytest.fixture
def world() -> World:
    return World()


def test_delays_double_up_to_their_bound() -> None:
    backoff = Backoff()
    assert [backoff.delay_s(ready_for_s=0) for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_delays_begin_anew_after_a_healthy_life() -> None:
    backoff = Backoff()
    lives = [random.uniform(0, HEALTHY_S - 0.1) for _ in range(random.randrange(1, 9))]
    for life in lives:
        backoff.delay_s(life)
    assert backoff.delay_s(HEALTHY_S - 0.1) > 0.5
    assert backoff.delay_s(HEALTHY_S) == 0.5
    assert backoff.delay_s(0) == 1


def test_nothing_is_told_while_all_is_well(world: World) -> None:
    world.run(random.uniform(1, 300))
    assert (len(world.started), world.reports, world.part.restarts) == (1, [], 0)


def test_a_part_that_ended_is_cleared_told_and_started_after_its_delay(world: World) -> None:
    world.run(random.uniform(1, 50))
    dead, died_at = world.process, world.clock.now
    dead.status = -9
    world.run(0.3)
    assert (dead.cleared, len(world.started), world.part.ready) == (True, 1, False)
    world.run(5)
    started_at, process = world.started[-1]
    assert process is not dead
    assert started_at - died_at == pytest.approx(supervisor.FIRST_DELAY_S, abs=2 * TICK_S)
    assert world.events() == ["ended", "ready"]
    assert world.reports[0][0] == "Triton ended with status -9 (a_net: no such file); restart 1 in 0.5 s"
    assert world.reports[0][1]["status"] == -9
    assert (world.part.restarts, world.part.ready) == (1, True)


def test_a_part_that_ends_while_it_starts_is_started_ever_more_rarely(world: World) -> None:
    world.run(100)
    world.process.status = 1
    world.ready = False
    for _ in range(9):
        world.run(supervisor.LONGEST_DELAY_S + 1)
        world.process.status = 1
    assert len(world.started) == 1 + 9
    assert [fields["delay_s"] for _, fields in world.reports] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_part_that_was_well_again_is_started_soon(world: World) -> None:
    for _ in range(random.randrange(1, 7)):
        world.process.status = 1
        world.run(40)
    world.run(100)
    world.process.status = 1
    world.run(1)
    assert [fields["delay_s"] for _, fields in world.reports if fields["event"] == "ended"][-1] == 0.5


def test_random_lives_lose_no_end_and_never_run_two_at_once(world: World) -> None:
    rng = random.Random()
    ends = 0
    for _ in range(200):
        world.ready = rng.random() < 0.7
        world.run(rng.choice([0.1, 1, 5, 70]))
        if world.part.process is not None and rng.random() < 0.5:
            ends += world.process.status is None
            world.process.status = rng.choice([0, 1, -9, -11])
            world.run(TICK_S)
        alive = [process for _, process in world.started if process.status is None]
        assert len(alive) <= 1
    ended = [fields for _, fields in world.reports if fields["event"] == "ended"]
    assert len(ended) >= ends > 0
    assert [fields["restart"] for fields in ended] == list(range(1, len(ended) + 1))


def test_a_start_without_memory_is_tried_again(world: World) -> None:
    world.run(1)
    world.process.status = -9
    world.no_memory = True
    world.run(10)
    assert len(world.started) == 1
    assert "Cannot allocate memory" in world.reports[-1][0]
    world.no_memory = False
    world.run(supervisor.LONGEST_DELAY_S)
    assert (len(world.started), world.part.ready) == (2, True)


def test_a_part_that_never_gets_ready_is_replaced(world: World) -> None:
    world.ready = False
    world.process.status = -9
    world.run(supervisor.START_TIMEOUT_S - 1)
    assert not world.process.asked_to_end
    world.run(5)
    assert world.events() == ["ended", "replaced", "ended"]
    assert len(world.started) == 3


def test_a_replaced_part_ends_by_itself_if_it_can(world: World) -> None:
    world.run(1)
    world.part.replace("of a reason")
    assert (world.process.asked_to_end, world.part.ready) == (True, False)
    world.part.replace("of a reason")
    world.run(2)
    assert world.events() == ["replaced", "ended", "ready"]


def test_a_replaced_part_that_hangs_is_killed_after_its_grace(world: World) -> None:
    world.run(1)
    hanging = world.process
    hanging.hangs = True
    world.part.replace("of a reason")
    world.run(14)
    assert hanging.status is None
    world.run(3)
    assert hanging.cleared
    assert len(world.started) == 2


def hear(watchdog: Watchdog, clock: Clock, answers: list[Readiness]) -> list[float]:
    """Give an answer a second; return after how many seconds it wanted something replaced."""
    begin, verdicts = clock.now, []
    for answer in answers:
        if watchdog.observe(answer) is not None:
            verdicts.append(clock.now - begin)
        clock.now += 1
    return verdicts


@pytest.mark.parametrize("fault", [Readiness.NOT_READY, Readiness.SILENT])
def test_a_fault_that_lasts_is_named_ever_more_rarely(fault: Readiness) -> None:
    clock = Clock()
    watchdog = Watchdog(clock)
    assert hear(watchdog, clock, [Readiness.READY] * 200) == []
    assert hear(watchdog, clock, [fault] * 500) == [60, 180, 420]
    assert hear(watchdog, clock, [Readiness.READY, *[fault] * 100]) == [61]


def test_faults_that_alternate_are_one_fault_and_the_last_one_is_blamed() -> None:
    clock = Clock()
    watchdog = Watchdog(clock)
    assert hear(watchdog, clock, [Readiness.SILENT, Readiness.NOT_READY] * 30) == []
    assert watchdog.observe(Readiness.SILENT) is Readiness.SILENT


def test_a_fault_that_comes_and_goes_is_no_fault() -> None:
    clock = Clock()
    answers = [Readiness.READY, *[Readiness.NOT_READY] * random.randrange(1, 60)] * 9
    assert hear(Watchdog(clock), clock, answers) == []


def test_time_in_which_a_part_was_away_does_not_count() -> None:
    clock = Clock()
    watchdog = Watchdog(clock)
    assert hear(watchdog, clock, [Readiness.NOT_READY] * 59) == []
    watchdog.forget()
    assert hear(watchdog, clock, [Readiness.NOT_READY] * 70) == [60]
