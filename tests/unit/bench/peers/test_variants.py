"""A peer's process is configured as the table says, and what both sides run is of the same versions."""

import re
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.peers.__main__ import REQUESTS
from bench.peers.predictors import BATCHED
from bench.peers.variants import FASTEST, PEERS, TRIALS, Variant
from embedded.paths import ROOT
from gateway.services import SERVICES

VARIANTS = st.builds(
    Variant,
    workers=st.integers(1, 8),
    threads=st.integers(1, 8),
    batch=st.integers(1, 32),
    batch_wait_ms=st.floats(0, 100),
    fast_queue=st.booleans(),
    front_ends=st.integers(1, 4),
)
SHARED = ("numpy", "onnxruntime", "pillow", "orjson", "pybase64", "pydantic", "scipy", "shapely", "msgspec")


@given(VARIANTS)
def test_a_variant_survives_the_environment(variant: Variant) -> None:
    assert Variant.from_environment(variant.environment()) == variant


def test_a_peer_without_a_variant_does_not_start() -> None:
    with pytest.raises(KeyError, match="MODELHUB_PEER_"):
        Variant.from_environment({})


def test_variables_are_one_for_each_field() -> None:
    assert len(Variant().environment()) == len(fields(Variant))


@given(VARIANTS)
def test_a_variant_is_told_by_what_differs(variant: Variant) -> None:
    words = variant.description()
    for field in fields(Variant):
        assert (field.name in words.split()) == (getattr(variant, field.name) != field.default)


@pytest.mark.parametrize("peer", PEERS)
def test_the_fastest_was_among_those_tried(peer: str) -> None:
    assert FASTEST[peer] in TRIALS[peer]
    assert len({variant.description() for variant in TRIALS[peer]}) == len(TRIALS[peer])


def test_what_is_measured_takes_one_picture() -> None:
    assert all(SERVICES[service].pictures == ("image",) for service in (*REQUESTS, BATCHED))


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("package", SHARED)
def test_both_sides_run_the_same_version(peer: str, package: str) -> None:
    assert _locked(peer.lower(), package) == _locked("serve", package)


def _locked(environment: str, package: str) -> str:
    text = (ROOT / "requirements" / f"{environment}.txt").read_text()
    (version,) = re.findall(rf"^{package}==(\S+)", text, re.MULTILINE)
    return str(version)
