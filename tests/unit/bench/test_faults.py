"""What the harness of faults reads and reckons, without a system."""

import socket
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from bench.answers import Exchange, Judgement, Verdict
from bench.cases import PHOTOS, Case, nuisances, pictures
from bench.faults.arena import free_environment
from bench.faults.generations import Generations
from bench.faults.kills import Kill, errors_by_kill
from bench.faults.shortages import full, with_more
from bench.faults.site import all_clear, healthy_again, none_wrong, unaffected
from bench.load import Plan
from bench.soak import Growth, growths
from demo.samples import SAMPLES
from embedded.stubs import Stub, instance_of, model_of
from evaluation.figure import Figure
from gateway.services import SERVICES
from gateway.settings import Settings
from tests.unit.processes import Process


def answer(verdict: Verdict, *, due: float = 0, seconds: float = 0.1, status: int = 200) -> Exchange:
    identity = f"{due} {seconds} {verdict}"
    return Exchange(
        "ocr", "1", due, due, due + seconds, status, True, Judgement(verdict, status * 100, identity)
    )


def test_every_port_of_the_settings_is_free_and_its_own() -> None:
    ports = free_environment()
    assert len(set(ports.values())) == len(ports) >= 4
    assert {name.removeprefix("MODELHUB_").lower() for name in ports} <= set(Settings.model_fields)
    for port in ports.values():
        socket.create_server(("127.0.0.1", int(port))).close()


def test_a_stub_is_known_by_its_instance() -> None:
    stub = "/run/1/backends/python/triton_python_backend_stub"
    model = "/x/model_repository/ocr_preprocess/1/model.py"
    line = [stub, model, "modelhub-1-2-3", "1048576", "7", "336", "ocr_preprocess_0_1", "DEFAULT"]
    assert model_of(instance_of(line)) == "ocr_preprocess"
    assert not instance_of(line[:3])
    assert not instance_of(line[1:])


def test_of_two_processes_of_an_instance_the_older_one_is_left_over_for_good() -> None:
    old, new, other = (
        Stub("a", instance, Process(born, pid))  # type: ignore[arg-type]
        for pid, (instance, born) in enumerate((("a_0_0", 1), ("a_0_0", 5), ("a_0_1", 5)))
    )
    generations = Generations()
    assert generations.serving([old]) == [old]
    assert generations.serving([other, new, old]) == [new, other]
    assert generations.left_over([other, new, old]) == [old]
    assert generations.serving([old, other]) == [
        other
    ]  # the new one was killed: the old one is no replacement


def test_errors_belong_to_the_kill_before_them() -> None:
    kills = [Kill("a", 10, 1), Kill("b", 20, 1), Kill("a", 30, 1)]
    errors = [answer(Verdict.FAILED, due=at) for at in (5, 12, 13, 25, 40)]
    assert errors_by_kill(kills, errors) == [2, 1, 1]


def test_rows_miss_their_bars() -> None:
    right, refused = answer(Verdict.RIGHT), answer(Verdict.REFUSED, due=1, status=429)
    lost = answer(Verdict.FAILED, due=2, status=0)
    assert none_wrong("x", [right, refused, lost]).reached
    assert not none_wrong("x", [right, answer(Verdict.WRONG, due=3)]).reached
    assert not none_wrong("x", [right, right]).reached  # the same request id
    assert all_clear("x", [right, refused]).reached
    assert not all_clear("x", [right, lost]).reached
    assert not healthy_again("x", float("inf"), 10).reached


def reached(figures: list[Figure]) -> list[bool | None]:
    return [figure.reached for figure in figures]


def test_callers_are_unaffected_if_right_and_about_as_fast() -> None:
    quiet = [answer(Verdict.RIGHT, due=at) for at in range(50)]
    slow = [answer(Verdict.RIGHT, due=at, seconds=0.5) for at in range(50)]
    refused = [answer(Verdict.REFUSED, status=429)]
    assert reached(list(unaffected("x", quiet, quiet))) == [True, True]
    assert reached(list(unaffected("x", quiet, slow))) == [True, False]
    assert reached(list(unaffected("x", quiet, quiet + refused))) == [False, True]
    assert reached(list(unaffected("x", quiet, refused))) == [False, False]  # nobody was answered at all


def samples(per_minute: float) -> list[dict[str, float]]:
    """Half an hour in which something grows after a steep beginning, from 100."""
    return [
        {"seconds": at, "memory_mib": 100 + per_minute * at / 60 - 80 * (at < 200)}
        for at in range(0, 1801, 5)
    ]


def test_only_a_small_disk_of_its_own_is_filled(tmp_path: Path) -> None:
    for folder in (tmp_path, Path("/")):
        with pytest.raises(RuntimeError, match="it is not filled"), full(folder):
            pass
        assert not (folder / "filler").exists()


def test_hazards_of_a_room_are_a_fifth_of_its_load() -> None:
    case = Case("a", "1", b"", None)
    plan = Plan("", {"a": [case], "b": [case]}, {"a": 0.6, "b": 0.3}, rate=1)
    assert with_more(plan, []) == plan
    weights = with_more(plan, [case]).weights
    assert weights["more"] / sum(weights.values()) == pytest.approx(0.2)


def test_growth_is_of_the_time_after_the_warm_up() -> None:
    (flat,) = growths(samples(0), 300)
    assert flat == Growth("memory_mib", 100, 100)
    assert flat.share == 0
    (leak,) = growths(samples(0.5), 300)
    assert leak.share == pytest.approx(10 / 103.7, abs=0.01)  # 20 minutes between the middles of the two


def test_too_short_a_soak_tells_nothing() -> None:
    with pytest.raises(ValueError, match="tell nothing"):
        growths(samples(0)[:100], 300)


def test_growth_from_nothing_is_growth() -> None:
    assert Growth("regions", 0, 0).share == 0
    assert Growth("regions", 0, 3).share == 1


@pytest.fixture
def samples_there() -> Path:
    return SAMPLES


@pytest.mark.parametrize("service", SERVICES)
def test_no_two_pictures_are_the_same(service: str, samples_there: Path) -> None:
    assert all((samples_there / name).is_file() for name in PHOTOS)
    files = [tuple(some) for some in islice(pictures(service, Random(3)), 6)]
    assert len(set(files)) == 6
    assert {len(some) for some in files} == {len(SERVICES[service].pictures)}
    again = [tuple(some) for some in islice(pictures(service, Random(3)), 6)]
    assert files == again


@pytest.mark.parametrize("service", ["image_classification", "image_similarity"])  # of one picture, of two
def test_nuisances_are_whole_requests_of_different_kinds(service: str) -> None:
    named = dict(nuisances(service))
    assert len(named) > 20
    for one in named.values():
        head, _, body = one.partition(b"\r\n\r\n")
        announced = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
        assert not announced or int(announced[0].split(b":")[1]) == len(body)
