"""`python -m export [SERVICE ...]`."""

import signal

from export.cli import app

signal.signal(signal.SIGTERM, signal.default_int_handler)  # stop children and clean up, as on Ctrl-C
app(prog_name="python -m export")
