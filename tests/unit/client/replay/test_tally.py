"""What a run comes to."""

from modelhub.replay.compare import Comparison, Failure, Outcome
from modelhub.replay.measures import Measure, tolerances
from modelhub.replay.recording import Recorded
from modelhub.replay.spelling import Spelling
from modelhub.replay.tally import WORST, Pair, Reply, Tally


def pair(
    value: float, name: str = "mask", outcomes: tuple[Outcome, Outcome] = ({}, {}), seconds: float = 0.1
) -> Pair:
    recorded = Recorded(f"{value:g}", "foreground_segmentation", b"")
    comparison = Comparison(
        (Measure(name, value, tolerances()[name]),), (frozenset({Spelling.NO_COMMON}), frozenset())
    )
    return Pair(recorded, (Reply(outcomes[0], seconds), Reply(outcomes[1], 2 * seconds)), comparison)


def tallied(*pairs: Pair) -> Tally[str]:
    tally = Tally(lambda one: one.recorded.identity)
    for one in pairs:
        tally.add(one)
    return tally


def test_one_that_differs_makes_all_differ() -> None:
    assert tallied(pair(0), pair(0.02)).alike
    tally = tallied(pair(0), pair(0.03), pair(0))
    service = tally.services["foreground_segmentation"]
    assert not tally.alike
    assert (tally.requests, service.requests, service.alike) == (3, 3, 2)


def test_of_those_that_differ_the_worst_are_kept_and_nothing_is_made_of_the_others() -> None:
    shown: list[str] = []

    def show(one: Pair) -> str:
        shown.append(one.recorded.identity)
        return one.recorded.identity

    tally = Tally(show)
    for value in [0.5] * WORST + [0.1] * 50 + [0.0] * 50 + [0.9, 0.7]:
        tally.add(pair(value))
    assert tally.services["foreground_segmentation"].worst() == ["0.9", "0.7"] + ["0.5"] * (WORST - 2)
    assert len(shown) == WORST + 2


def test_of_equally_bad_ones_the_first_are_kept() -> None:
    tally = Tally(lambda one: one)
    pairs = [pair(0.5) for _ in range(WORST + 5)]
    for one in pairs:
        tally.add(one)
    assert [id(one) for one in tally.services["foreground_segmentation"].worst()] == [
        id(one) for one in pairs[:WORST]
    ]


def test_figures_are_spread_over_bins_of_their_tolerance() -> None:
    # Of a tolerance of 0.02: none, a quarter, a half, one, two, four tolerances, and more.
    values = [0, 0, 0.001, 0.01, 0.02, 0.03, 0.08, 0.5]
    (one,) = tallied(*map(pair, values)).services["foreground_segmentation"].distributions(tolerances())
    assert one.bins == (2, 1, 1, 1, 1, 1, 1)
    assert (one.name, one.count, one.beyond, one.worst) == ("mask", 8, 3, 0.5)
    assert one.median == 0.015


def test_where_nothing_is_tolerated_there_are_two_bins() -> None:
    (one,) = (
        tallied(*(pair(value, "failure") for value in (0, 0, 1)))
        .services["foreground_segmentation"]
        .distributions(tolerances())
    )
    assert one.bins == (2, 0, 0, 0, 0, 0, 1)


def test_failures_are_counted_by_what_both_sides_said_and_have_no_latency() -> None:
    busy, nothing = Failure(42901, "busy", 429), Failure(0)
    tally = tallied(
        pair(0),
        pair(1, "failure", (busy, {})),
        pair(1, "failure", (busy, {})),
        pair(1, "failure", ({}, nothing)),
    )
    service = tally.services["foreground_segmentation"]
    assert service.failures == {("42901", "an answer"): 2, ("an answer", "nothing"): 1}
    assert [len(seconds) for seconds in service.seconds] == [1, 1]


def test_latency_is_told_by_side() -> None:
    tally = tallied(*(pair(0, seconds=number / 1000) for number in range(101)))
    before, after = tally.services["foreground_segmentation"].latencies()
    assert [round(one, 6) for one in before] == [0.05, 0.09, 0.099]
    assert [round(one, 6) for one in after] == [0.1, 0.18, 0.198]
    assert tallied(pair(1, "failure", (Failure(1), {}))).services["foreground_segmentation"].latencies() == (
        (),
        (),
    )


def test_spellings_are_counted_by_side() -> None:
    service = tallied(pair(0), pair(1)).services["foreground_segmentation"]
    assert service.spellings == ({Spelling.NO_COMMON: 2}, {})
