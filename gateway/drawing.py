"""Answers drawn on the pictures that they are about, as picture files.

The pictures are decoded only after Triton has answered for them, by the same code and within the same bounds
(`vision.picture`), so that whatever is no picture is refused there. All of it is done by a few threads of its
own: however many ask for pictures, JSON goes on. Who waits for them holds a place, so few do.
"""

import asyncio
import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from PIL import Image

from gateway.errors import DeadlinePassed
from gateway.representation import PICTURES
from modelhub.present import annotate
from vision.picture import open_image

MAX_THREADS = 2
"""Drawings made at one time: each holds a decoded picture, up to 150 MB, for moments."""

MAX_SIDE = 2048
"""Longest side, in pixels, that a picture is drawn with; what is larger is reduced to it first."""

_SAVING: Mapping[str, Mapping[str, Any]] = {
    "PNG": {"compress_level": 1},  # of photos the highest takes ten times as long for a tenth of the bytes
    "JPEG": {"quality": 90},
    "WEBP": {"quality": 85, "method": 2},
}


class Drawings:
    """Makes pictures in threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="draw")

    async def file(
        self,
        service: str,
        fields: Mapping[str, Any],
        files: Sequence[bytes],
        media_type: str,
        timeout_s: float,
    ) -> bytes:
        """Return what `drawn` does.

        Raises DeadlinePassed after `timeout_s`; what has not begun by then never is.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s):
                return await loop.run_in_executor(self._threads, drawn, service, fields, files, media_type)
        except TimeoutError:
            raise DeadlinePassed from None

    def close(self) -> None:
        """Let go of the threads; what they are at is finished, and nothing else begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def drawn(service: str, fields: Mapping[str, Any], files: Sequence[bytes], media_type: str) -> bytes:
    """Return a file of `media_type`: the pictures `files`, upright, with the answer's `fields` drawn on them.

    Raises PictureError.
    """
    picture = annotate(service, dict(fields), *map(open_image, files), longest_side=MAX_SIDE)
    return _file(picture, PICTURES[media_type])


def _file(picture: Image.Image, form: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **_SAVING[form])
    return buffer.getvalue()
