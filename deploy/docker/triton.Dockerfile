# Triton with what the steps need. `cpu` serves config.pbtxt; `gpu` checks and serves TensorRT plans as well.
# The release is named here alone; its Python is 3.10, its ONNX Runtime 1.19 (tests/repository/docker/test_versions.py).
FROM nvcr.io/nvidia/tritonserver:24.10-py3 AS cpu

WORKDIR /app
COPY requirements/container.txt requirements/
RUN python3 -m pip install --no-cache-dir --disable-pip-version-check --only-binary=:all: --require-hashes \
        -r requirements/container.txt
COPY backends backends
COPY vision vision
COPY client/modelhub_pictures modelhub_pictures
COPY deploy/docker/serve-triton.sh deploy/docker/

# A stub is a process: more threads than one in each would fight over the same cores.
ENV PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1
# The image's own user, triton-server.
USER 1000:1000
CMD ["sh", "/app/deploy/docker/serve-triton.sh"]

FROM cpu AS gpu
USER root
COPY requirements/tensorrt.txt requirements/
RUN python3 -m pip install --no-cache-dir --disable-pip-version-check --only-binary=:all: --require-hashes \
        -r requirements/tensorrt.txt
COPY export export
USER 1000:1000
CMD ["sh", "/app/deploy/docker/serve-triton.sh", "tensorrt"]
