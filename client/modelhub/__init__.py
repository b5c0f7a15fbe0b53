"""ModelHub for callers: a client, typed answers, and answers drawn on pictures.

with ModelHub("http://127.0.0.1:8080") as hub:
    answer = hub.answer("image_classification", Path("cat.jpg"))
"""

from modelhub.errors import ServiceError
from modelhub.hub import AsyncModelHub, ModelHub

__all__ = ["AsyncModelHub", "ModelHub", "ServiceError"]
