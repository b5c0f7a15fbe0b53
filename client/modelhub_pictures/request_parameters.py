"""What the gateway tells the steps and nets of a request beside its tensors, as Triton's request parameters.

Triton hands them to every step of an ensemble; steps hand them to the nets that they run themselves.
"""

DEADLINE = "modelhub_deadline_ms"
"""Until when the answer is wanted, in milliseconds of Unix time: later, no work is begun for it."""
LATE = "[50401] the deadline passed before this step began"

PING = "modelhub_ping"
"""Of a request that asks a process whether it lives: it answers `ALIVE`, as an error, and does no work."""
ALIVE = "[alive]"
