#!/bin/sh
# Starts Triton in its container: serve-triton.sh [CONFIG_NAME]
#
# MODELHUB_PROFILE chooses the model repository. With a CONFIG_NAME, Triton starts only if it would serve that
# config of every net: it falls back to config.pbtxt silently where one is absent.
#
# MODELHUB_TRITON_KEY opens the repository, shared-memory, trace and logging APIs to who sends it. Without it they are
# open to nobody: a key is made that nobody knows. MODELHUB_TRACES_URL says where spans go; none are made without it.
set -eu
cd "$(dirname "$0")/../.."

repository=$(python3 -c 'import sys; from vision.manifest import Profile; print(Profile(sys.argv[1]).repository)' \
    "$MODELHUB_PROFILE")
if [ $# -gt 0 ]; then
    python3 -m export.tensorrt check "$1" --profile "$MODELHUB_PROFILE"
    set -- "--model-config-name=$1"
fi
if [ -n "${MODELHUB_TRACES_URL:-}" ]; then
    set -- "$@" \
        --trace-config=mode=opentelemetry \
        "--trace-config=opentelemetry,url=$MODELHUB_TRACES_URL" \
        --trace-config=opentelemetry,resource=service.name=modelhub-triton \
        --trace-config=level=TIMESTAMPS \
        --trace-config=rate=0
fi
# Where nobody but a container beside it is to infer; Prometheus reads its metrics in any case.
if [ -n "${MODELHUB_TRITON_HOST:-}" ]; then
    set -- "$@" "--http-address=$MODELHUB_TRITON_HOST" "--grpc-address=$MODELHUB_TRITON_HOST"
fi
closed="model-repository,shared-memory,trace,logging:modelhub=${MODELHUB_TRITON_KEY:-$(
    python3 -c 'import os; print(os.urandom(32).hex())'
)}"
# All models are loaded, and the gateway may unload and load those that died. Every config is complete: filling in
# costs a second a model.
exec tritonserver \
    "--model-repository=$PWD/$repository" \
    --model-control-mode=explicit \
    "--load-model=*" \
    --disable-auto-complete-config \
    "--http-restricted-api=$closed" \
    "--grpc-restricted-protocol=$closed" \
    --log-format=ISO8601 \
    --exit-timeout-secs=30 \
    "$@"
