"""Paths of the API; the page has its own (`gateway.page.routes`)."""

PREDICT = "/api/predict/"
"""Followed by a service's name."""
LIVE = "/health/live"
READY = "/health/ready"
OPENAPI = "/openapi.json"
