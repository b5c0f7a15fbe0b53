"""The flags that `tritonserver` is started with."""

from collections.abc import Iterable
from pathlib import Path

from embedded.tracing import tracing_flags
from gateway.settings import Settings

EXIT_TIMEOUT_S = 10
"""Seconds that Triton waits for what is in flight when it is asked to stop: nothing is by then, but after a
stub died it always takes all of them."""

CLOSED_APIS = "model-repository,shared-memory,trace,logging"
"""What only a caller with the key may use. The first loads models, and so runs any code; the second reads
other processes' memory; the others write files and fill disks."""
HTTP_KEY_HEADER = "modelhub"
"""What carries the key over HTTP; over gRPC it is `gateway.triton.KEY_HEADER`, the same with a prefix."""


def triton_flags(
    settings: Settings, repository: Path, models: Iterable[str], backends: Path, region_prefix: str
) -> list[str]:
    """Return the flags for `models` of `repository`; shared-memory regions have names of `region_prefix`."""
    return [
        f"--model-repository={repository}",
        f"--backend-directory={backends}",
        *_loading(models),
        *_listening(settings),
        *_closing(settings.triton_key.get_secret_value()),
        *tracing_flags(settings),
        "--allow-gpu-metrics=false",
        "--log-format=ISO8601",
        f"--exit-timeout-secs={EXIT_TIMEOUT_S}",
        f"--backend-config=python,shm-region-prefix-name={region_prefix}",
    ]


def _loading(models: Iterable[str]) -> list[str]:
    """Load `models`, and let the gateway unload and load again what has died."""
    return [
        "--model-control-mode=explicit",
        *(f"--load-model={model}" for model in models),
        "--disable-auto-complete-config",  # every config is complete; filling in costs a second a model
    ]


def _listening(settings: Settings) -> list[str]:
    return [
        f"--http-address={settings.triton_host}",
        f"--http-port={settings.triton_http_port}",
        f"--grpc-address={settings.triton_host}",
        f"--grpc-port={settings.triton_grpc_port}",
        f"--metrics-address={settings.triton_host}",
        f"--metrics-port={settings.triton_metrics_port}",
    ]


def _closing(key: str) -> list[str]:
    group = f"{CLOSED_APIS}:{HTTP_KEY_HEADER}={key}"
    return [f"--http-restricted-api={group}", f"--grpc-restricted-protocol={group}"]
