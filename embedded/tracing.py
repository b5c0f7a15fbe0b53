"""Flags by which Triton sends its spans where the gateway sends its own."""

from gateway.settings import Settings

SERVICE_NAME = "modelhub-triton"


def tracing_flags(settings: Settings) -> list[str]:
    """Return the flags of `tritonserver`; none where tracing is off.

    At the rate 0 Triton records the requests that come with a trace of their own, which are those that the
    gateway records.
    """
    if not settings.traces_url:
        return []
    return [
        "--trace-config=mode=opentelemetry",
        f"--trace-config=opentelemetry,url={settings.traces_url}",
        f"--trace-config=opentelemetry,resource=service.name={SERVICE_NAME}",
        "--trace-config=level=TIMESTAMPS",
        "--trace-config=rate=0",
    ]
