"""Pods for a load, and that the measured figures are those of the documents."""

import math
import re

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bench.replicas import Capacity, busy_cores, main, measured, pods_for, pods_with_a_node_lost
from bench.speed import LOADS
from embedded.paths import ROOT
from gateway.services import SERVICES

COUNTS = st.integers(1, 200)


def ran(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(main)
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200", "TERM": "dumb"})
    return result.exit_code, result.output


def test_every_service_was_measured() -> None:
    assert set(measured().requests_per_second) == set(LOADS) <= set(SERVICES)


def test_figures_are_those_that_were_measured() -> None:
    page = (ROOT / "docs" / "measured.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| [\d.]+ \| ([\d.]+) \| [\d.]+ \|", page, re.MULTILINE)
    assert {service: float(rate) for service, rate in rows} == measured().requests_per_second


def test_scaling_page_has_the_same_figures() -> None:
    page = (ROOT / "docs" / "scaling.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", page, re.MULTILINE)
    capacity = measured()
    rates = {
        service: (rate, f"{capacity.core_seconds(service):.3f}", f"{0.6 * rate:.1f}")
        for service, rate in capacity.requests_per_second.items()
    }
    assert {row[0]: (float(row[1]), row[2], row[3]) for row in rows} == rates


@given(COUNTS, st.floats(0.1, 64), st.floats(0.05, 1))
def test_so_many_are_enough_and_one_less_is_not(pods: int, cores: float, utilisation: float) -> None:
    busy = pods * cores * utilisation
    assert pods_for(busy, cores, utilisation) == pods
    assert pods_for(busy * 1.001, cores, utilisation) == pods + 1


@given(COUNTS, st.integers(2, 50))
def test_without_the_fullest_node_enough_are_left_and_not_one_too_many(pods: int, nodes: int) -> None:
    total = pods_with_a_node_lost(pods, nodes)
    assert total - math.ceil(total / nodes) >= pods
    assert (total - 1) - math.ceil((total - 1) / nodes) < pods


def test_costs_add_up() -> None:
    capacity = Capacity(cores=2, requests_per_second={"a": 4.0, "b": 1.0})
    assert busy_cores({"a": 2, "b": 0.5}, capacity) == pytest.approx(2.0)


def test_nothing_to_do_takes_a_pod() -> None:
    assert pods_for(0, 2, 0.6) == 1


def test_the_pages_example_is_what_is_printed() -> None:
    page = (ROOT / "docs" / "scaling.md").read_text()
    (arguments,) = re.findall(r"^python -m bench.replicas (.+)$", page, re.MULTILINE)
    (line,) = re.findall(r"^pods: .+$", page, re.MULTILINE)
    status, output = ran(*arguments.split())
    assert status == 0
    assert line in output


@pytest.mark.parametrize("rate", ["cats=1", "ocr", "ocr=", "ocr=many", "ocr=-1", "ocr=nan", "ocr=inf"])
def test_nonsense_is_refused(rate: str) -> None:
    status, output = ran("--rate", rate)
    assert status == 2
    assert rate.partition("=")[0] in output
