"""Limits on what a picture may cost: environment variables, since nothing else reaches Triton's stubs."""

import os

MAX_PIXELS = int(os.environ.get("MODELHUB_MAX_PIXELS", "50000000"))
"""Pixels of a picture as declared by its header; more is refused before decoding."""
