from random import Random

import pytest

from embedded.leftovers import leftovers
from embedded.stubs import Stub
from tests.unit.processes import Process

NOW, SETTLING_S = 1_000_000.0, 35.0
OLD, SETTLED, NEW = NOW - 900, NOW - SETTLING_S, NOW - SETTLING_S + 1
COUNTS = {"ocr_net": 2, "ocr_preprocess": 1}


def stubs(model: str, *started: float) -> list[Stub]:
    return [Stub(model, f"{model}_0_{at}", Process(at)) for at in started]  # type: ignore[arg-type]


@pytest.mark.parametrize("started", [(), (OLD,), (OLD, OLD), (OLD, SETTLED), (NEW, NEW)])
def test_no_model_loses_a_stub_that_it_should_have(started: tuple[float, ...]) -> None:
    assert not leftovers(stubs("ocr_net", *started), COUNTS, SETTLING_S, NOW)


def test_the_oldest_are_left_over_when_the_others_have_settled() -> None:
    assert leftovers(stubs("ocr_net", OLD, SETTLED, SETTLED), COUNTS, SETTLING_S, NOW) == stubs(
        "ocr_net", OLD
    )
    assert len(leftovers(stubs("ocr_preprocess", OLD, OLD, SETTLED), COUNTS, SETTLING_S, NOW)) == 2


def test_old_ones_are_left_to_end_their_work_while_new_ones_come() -> None:
    assert not leftovers(stubs("ocr_net", OLD, NEW, NEW), COUNTS, SETTLING_S, NOW)
    assert not leftovers(stubs("ocr_net", OLD, SETTLED, NEW), COUNTS, SETTLING_S, NOW)
    assert not leftovers(stubs("ocr_preprocess", OLD, NEW), COUNTS, SETTLING_S, NOW)


def test_order_does_not_matter() -> None:
    every = stubs("ocr_net", OLD, OLD + 1, SETTLED - 1, SETTLED) + stubs("ocr_preprocess", OLD)
    shuffled = Random(6).sample(every, len(every))
    assert set(leftovers(shuffled, COUNTS, SETTLING_S, NOW)) == set(every[:2])
