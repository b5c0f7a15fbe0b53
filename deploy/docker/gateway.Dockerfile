# The gateway. It installs the lock file that the tests run with, whole: one list, and nothing untried.
FROM python:3.11.13-slim-bookworm

# What Chinese, Japanese and Korean are written with on pictures that are answers: `Accept: image/png`.
RUN apt-get update && apt-get install -y --no-install-recommends fonts-wqy-microhei=0.2.0-beta-3.1 && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements/serve.txt requirements/
RUN python3 -m pip install --no-cache-dir --disable-pip-version-check --only-binary=:all: --require-hashes \
        -r requirements/serve.txt
COPY gateway gateway
COPY vision vision
COPY client/modelhub_pictures modelhub_pictures
COPY client/modelhub client/modelhub

ENV PYTHONPATH=/app:/app/client \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 1000:1000
CMD ["python", "-m", "gateway"]
