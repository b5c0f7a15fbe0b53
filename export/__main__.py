"""`python -m export [SERVICE ...]`, and `python -m export own SERVICE` for checkpoints of the user's own."""

import signal
import sys

from export.cli import app
from export.own.cli import app as own_app

OWN = "own"

signal.signal(signal.SIGTERM, signal.default_int_handler)  # stop children and clean up, as on Ctrl-C
if sys.argv[1:2] == [OWN]:
    own_app(sys.argv[2:], prog_name=f"python -m export {OWN}")
else:
    app(prog_name="python -m export")
