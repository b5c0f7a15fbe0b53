"""Every metric of the gateway: its name, labels and meaning; who counts imports it from here.

They stand on a port of their own (`MODELHUB_METRICS_PORT`), so that no caller of the services reads them.
"""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

REQUESTS = Counter(
    "modelhub_requests",
    "Requests answered, by service and by the answer's code: 200, or the contract's error_code.",
    ("service", "code"),
)
DURATION = Histogram(
    "modelhub_request_duration_seconds",
    "From a request's head to the last byte of its answer.",
    ("service",),
    buckets=_SECONDS,
)
STAGE_DURATION = Histogram(
    "modelhub_stage_duration_seconds",
    "Parts of answered requests, as Server-Timing names them.",
    ("service", "stage"),
    buckets=_SECONDS,
)
IN_FLIGHT = Gauge("modelhub_in_flight", "Requests that hold a place now.", ("service",))
PLACES = Gauge("modelhub_places", "Requests that may hold a place at one time, in all.")
SHED = Counter(
    "modelhub_shed",
    "Requests refused with 42901, by what was full: service, wait (it would be long), total, or bodies.",
    ("service", "limit"),
)
RETRIES = Counter(
    "modelhub_retries",
    "Requests sent to Triton a second time because a part of it had died, by service.",
    ("service",),
)
DEAD_MODELS = Counter("modelhub_dead_models", "Times that an instance of a model was found dead.", ("model",))
HEALED = Counter(
    "modelhub_healed",
    "Models unloaded and loaded again because an instance was dead; outcome is healed or failed.",
    ("model", "outcome"),
)
READY = Gauge("modelhub_ready", "1 where a service's last inference succeeded, else 0.", ("service",))
HANG_UPS = Counter("modelhub_hang_ups", "Requests whose client was gone before the answer.", ("service",))
SHARED_MEMORY_FREE = Gauge(
    "modelhub_shared_memory_free_ratio",
    "Free part of the gateway's /dev/shm, 0 to 1; it is the steps' where Triton shares it.",
)
