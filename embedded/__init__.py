"""A real Triton without Docker: runs `tritonserver` from its wheel, and the gateway beside it."""
