"""Compressed bodies are expanded within the limit of bodies, or refused by the name of their encoding."""

import gzip
import json
import resource
import zlib
from collections.abc import Callable

import httpx
import pytest
import zstandard

from gateway.admission import Arrivals, Arriving
from gateway.decompression import encoding, expanded
from gateway.errors import BodyTooLarge, NotAnObject, TooManyRequests
from gateway.settings import Settings
from tests.unit.gateway.conftest import PICTURE, PICTURE_BASE64, client_of
from tests.unit.gateway.fakes import FakeTriton
from tests.unit.gateway.web import FakeNames

BODY = json.dumps({"image": PICTURE_BASE64}).encode()
URL = "/api/predict/image_classification"


def raw_deflate(body: bytes) -> bytes:
    return zlib.compress(body)[2:-4]


PACKED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate without a heading": ("deflate", raw_deflate),
    "zstd": (" zstd ", zstandard.compress),
}
every_encoding = pytest.mark.parametrize(("name", "pack"), PACKED.values(), ids=list(PACKED))


def room(size: int = 10**6) -> Arriving:
    return Arriving(Arrivals(1, size), "ocr")


async def sent(body: bytes, name: str, kind: str = "application/json") -> httpx.Response:
    async with client_of(Settings(max_body_bytes=100_000), FakeTriton(), FakeNames()) as client:
        return await client.post(URL, content=body, headers={"Content-Encoding": name, "Content-Type": kind})


@every_encoding
async def test_a_compressed_body_is_answered(name: str, pack: Callable[[bytes], bytes]) -> None:
    assert (await sent(pack(BODY), name)).status_code == 200
    assert (await sent(pack(PICTURE), name, "image/png")).status_code == 200
    assert (await sent(BODY, "identity")).status_code == 200


@every_encoding
async def test_a_body_is_expanded_to_the_limit_at_most(name: str, pack: Callable[[bytes], bytes]) -> None:
    assert len(await expanded(pack(bytes(1000)), encoding({"content-encoding": name}), 1000, room())) == 1000
    with pytest.raises(BodyTooLarge, match="more than 999 bytes once it is expanded"):
        await expanded(pack(bytes(1000)), encoding({"content-encoding": name}), 999, room())
    bomb = pack(bytes(60_000_000))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = await sent(bomb[:90_000], name)
    assert (answer.status_code, answer.json()["error_code"]) == (413, 41301)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 20_000  # KiB


async def test_expanded_bytes_count_among_all_that_arrive() -> None:
    with pytest.raises(TooManyRequests):
        await expanded(gzip.compress(bytes(1000)), "gzip", 1000, room(999))


@pytest.mark.parametrize("name", ["br", "compress", "gzip, gzip", "aws-chunked"])
async def test_an_encoding_that_is_not_read_is_refused_by_its_name(name: str) -> None:
    answer = await sent(BODY, name)
    assert (answer.status_code, answer.json()["error_code"]) == (400, 40001)
    assert f"Content-Encoding is {name}, which is not read" in answer.json()["error_msg"]


@pytest.mark.parametrize("body", [b"", BODY, gzip.compress(BODY)[:-1], gzip.compress(BODY) * 2])
async def test_a_body_that_is_not_what_its_encoding_says(body: bytes) -> None:
    with pytest.raises(NotAnObject, match="not whole gzip, as its Content-Encoding says"):
        await expanded(body, "gzip", 100_000, room())


async def test_zstd_has_a_bound_on_its_memory() -> None:
    wide = zstandard.ZstdCompressionParameters(window_log=27)
    frame = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    with pytest.raises(NotAnObject, match="not whole zstd"):
        await expanded(frame.compress(BODY) + frame.flush(), "zstd", 100_000, room())
