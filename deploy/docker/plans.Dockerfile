# Builds and tries TensorRT plans, on the GPU that will serve: docs/tensorrt.md.
# TensorRT's container of the release that triton.Dockerfile names; its Python is 3.10 too.
#
#   make samples && docker build -f deploy/docker/plans.Dockerfile .
FROM nvcr.io/nvidia/tensorrt:24.10-py3

WORKDIR /app
COPY requirements/tensorrt.txt requirements/
RUN python3 -m pip install --no-cache-dir --disable-pip-version-check --only-binary=:all: --require-hashes \
        -r requirements/tensorrt.txt
COPY vision vision
COPY client/modelhub_pictures modelhub_pictures
COPY export export
# The pictures that plans are tried on.
COPY client/samples client/samples
COPY weights/samples weights/samples

ENV PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 1000:1000
CMD ["python3", "-m", "export.tensorrt", "build"]
