"""Limits on what a picture may cost. They are far above what cameras and editors write.

MAX_PIXELS is an environment variable, since nothing else reaches the Python stubs of Triton.
"""

import os

MAX_PIXELS = int(os.environ.get("MODELHUB_MAX_PIXELS", "50000000"))
"""Pixels of a picture as declared by its header; more is refused before decoding."""

MAX_SCANS = 100
"""Scans of a JPEG, each of which goes over all pixels again. A progressive one has about ten."""

MAX_SEGMENTS = 10_000
"""Segments of a JPEG before its pixels. A long colour profile or XMP packet takes some hundreds."""

MAX_CHUNKS = 100_000
"""Chunks of a PNG or WebP. A PNG of 24 MiB in chunks of 8 KiB has three thousand."""

MAX_DIRECTORY_ENTRIES = 4096
"""Values in a TIFF or EXIF directory. A file has some dozens."""

MAX_OVERLAP = 2
"""How often the values of a TIFF's directory that are read may cover the file."""

MAX_GIF_BLOCKS = 200_000
"""Blocks of up to 255 bytes before the first frame of a GIF."""

MAX_EXIF_TEXT = 1024 * 1024
"""Bytes of EXIF that a PNG has as compressed text; what is longer counts as none."""
