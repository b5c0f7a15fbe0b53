#!/bin/sh
# Starts Triton in its container: serve-triton.sh [CONFIG_NAME]
#
# MODELHUB_PROFILE chooses the model repository. With a CONFIG_NAME, Triton starts only if it would serve that
# config of every net: it falls back to config.pbtxt silently where one is absent.
set -eu
cd "$(dirname "$0")/../.."

repository=$(python3 -c 'import sys; from vision.manifest import Profile; print(Profile(sys.argv[1]).repository)' \
    "$MODELHUB_PROFILE")
if [ $# -gt 0 ]; then
    python3 -m export.tensorrt check "$1" --profile "$MODELHUB_PROFILE"
    set -- "--model-config-name=$1"
fi
# Every config is complete: filling in costs a second a model.
exec tritonserver \
    "--model-repository=$PWD/$repository" \
    --disable-auto-complete-config \
    --exit-timeout-secs=30 \
    "$@"
