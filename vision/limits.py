"""Limits on what a picture may cost. Environment variables, since stubs inside Triton are reached by nothing else."""

import os

MAX_PIXELS = int(os.environ.get("MODELHUB_MAX_PIXELS", "50000000"))
"""Pixels of a picture as declared by its header; more is refused before decoding."""
