"""Plain HTTP for tests: `httpx.post` and its like, without the certificates that those read at each call.

They take the processor longer than most answers.
"""

import httpx

_CLIENT = httpx.Client(verify=False, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

get, post, request = _CLIENT.get, _CLIENT.post, _CLIENT.request
