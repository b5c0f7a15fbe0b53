# Nets, manifests and configs as `make export` left them: what Triton serves. Run, it copies them to /target.
#
#   make export && docker build -f deploy/docker/models.Dockerfile .
FROM python:3.11.13-slim-bookworm

WORKDIR /models
COPY model_repository model_repository
COPY model_repository_full model_repository_full
USER 1000:1000
# Links stay links, and what an earlier run of the same pod copied is written over.
CMD ["cp", "-dR", "--remove-destination", "/models/.", "/target"]
