"""What compressed answers cost and save: `python -m embedded run -- python -m bench.compression`.

Two answers: a classification, which is the smallest of those with a long list in them, and the semantic
segmentation of a picture of 12 megapixels, the largest there are. First the gateway is asked for each as it
is and compressed, in turn, by a caller on the same machine that decompresses it: whoever is further away
gains by the bytes. Then it is compressed alone, at every level that comes into question, in a processor's
time.
"""

import http.client
import os
import re
import statistics
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import zstandard
from isal import isal_zlib
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.large import PICTURES, large_picture
from demo.samples import SAMPLES
from evaluation.figure import WIDTH
from gateway.big_lists import PIECE_BYTES
from gateway.compression import CODINGS, GZIP_LEVEL, IDENTITY, SMALLEST_BYTES, ZSTD_LEVEL, Compressor


def _zstd(level: int) -> Compressor:
    return zstandard.ZstdCompressor(level=level).compressobj()


ROUNDS = {"image_classification": 200, "semantic_segmentation": 7}
LEVELS: dict[str, Callable[[], Compressor]] = {
    "zlib 1": partial(zlib.compressobj, 1, zlib.DEFLATED, 31),
    **{f"gzip {level}": partial(isal_zlib.compressobj, level, zlib.DEFLATED, 31) for level in range(4)},
    **{f"zstd {level}": partial(_zstd, level) for level in (-7, -3, -1, 1, 2, 3)},
}
CHOSEN = {f"gzip {GZIP_LEVEL}", f"zstd {ZSTD_LEVEL}"}
DECOMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    IDENTITY: lambda data: data,
    "gzip": lambda data: zlib.decompress(data, 31),  # as most callers do
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


@dataclass(frozen=True)
class TimedResponse:
    """An answer, and the milliseconds from asking to its first byte and to the last of it in plain."""

    content: bytes
    size: int
    """Bytes on the wire."""
    first_ms: float
    encode_ms: float
    """As `Server-Timing` says."""
    whole_ms: float


class Caller:
    """A caller of one service over one connection."""

    def __init__(self, url: str, service: str, picture: bytes) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
        self._path, self._picture = f"/api/predict/{service}", picture

    def ask(self, accepted: str) -> TimedResponse:
        """Ask with this `Accept-Encoding`."""
        start = time.perf_counter()
        headers = {"Content-Type": "image/*", "Accept-Encoding": accepted}
        self._connection.request("POST", self._path, self._picture, headers)
        response = self._connection.getresponse()
        first_s = time.perf_counter() - start
        raw = response.read()
        content = DECOMPRESSORS[response.getheader("Content-Encoding", IDENTITY)](raw)
        whole_s = time.perf_counter() - start
        if response.status != 200:
            raise RuntimeError(content.decode())
        encode = re.search(r"encode;dur=([\d.]+)", response.getheader("Server-Timing", ""))
        encode_ms = float(encode[1]) if encode else 0.0
        return TimedResponse(content, len(raw), first_s * 1e3, encode_ms, whole_s * 1e3)


def compressed(make: Callable[[], Compressor], content: bytes) -> bytes:
    """Return `content` as a compressor of `make` has it, given as the gateway gives it, by the piece."""
    compressor = make()
    starts = range(0, len(content), PIECE_BYTES)
    pieces = [compressor.compress(content[start : start + PIECE_BYTES]) for start in starts]
    return b"".join([*pieces, compressor.flush()])


def processor_ms(call: Callable[[], object], rounds: int) -> float:
    """Return the median of the time that a call takes of a processor, whatever else is running."""

    def once() -> float:
        start = time.thread_time()
        call()
        return (time.thread_time() - start) * 1e3

    return statistics.median(once() for _ in range(rounds))


def alone(service: str, content: bytes) -> Table:
    """Return what each level makes of an answer and what that takes."""
    drawn = Table(
        "level", "bytes", "share", "compress ms", "MB/s", "decompress ms", "",
        title=f"{service}, {len(content) / 1e6:.2f} MB, compressed alone",
    )  # fmt: skip
    rounds = ROUNDS[service] // 2
    for name, make in LEVELS.items():
        made = compressed(make, content)
        back = DECOMPRESSORS[name.split()[0].replace("zlib", "gzip")]
        if back(made) != content:
            raise RuntimeError(f"{name} changes the answer")
        ms = processor_ms(partial(compressed, make, content), rounds)
        back_ms = processor_ms(partial(back, made), rounds)
        drawn.add_row(
            name, f"{len(made):,}", f"{len(made) / len(content):.3f}", f"{ms:.3f}",
            f"{len(content) / ms / 1e3:.0f}", f"{back_ms:.3f}", "chosen" if name in CHOSEN else "",
        )  # fmt: skip
    return drawn


def through(caller: Caller, service: str, size: int) -> Table:
    """Return what a caller gets of an answer of `size` bytes, by what is asked for, in turn."""
    drawn = Table(
        "asked for", "bytes", "ms to first byte", "encode ms", "ms to the whole answer in plain",
        title=f"{service} through the gateway, medians of {ROUNDS[service]}",
    )  # fmt: skip
    asked = [IDENTITY, *CODINGS]
    if size < SMALLEST_BYTES:  # what it would be if they were compressed, too
        asked += [f"{coding}, identity;q=0" for coding in CODINGS]
    responses: dict[str, list[TimedResponse]] = {accepted: [] for accepted in asked}
    for _ in track(range(ROUNDS[service]), description=service, transient=True):
        for accepted, gathered in responses.items():
            gathered.append(caller.ask(accepted))
    for accepted, gathered in responses.items():
        first, encode, whole = (
            statistics.median(getattr(response, name) for response in gathered)
            for name in ("first_ms", "encode_ms", "whole_ms")
        )
        drawn.add_row(accepted, f"{gathered[0].size:,}", f"{first:.1f}", f"{encode:.1f}", f"{whole:.1f}")
    return drawn


def main() -> None:
    """Measure the gateway that MODELHUB_URL names."""
    console = Console(width=WIDTH)
    pictures = {
        "image_classification": (SAMPLES / "chelsea.png").read_bytes(),
        "semantic_segmentation": large_picture(SAMPLES / PICTURES["semantic_segmentation"]),
    }
    console.print(f"compressed from {SMALLEST_BYTES} bytes on")
    for service, picture in pictures.items():
        caller = Caller(os.environ["MODELHUB_URL"], service, picture)
        content = caller.ask(IDENTITY).content
        console.print(through(caller, service, len(content)))
        console.print(alone(service, content))


if __name__ == "__main__":
    main()
