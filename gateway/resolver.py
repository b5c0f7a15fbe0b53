"""The system's resolver, kept away from everybody else's threads."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from gateway.url_policy import Address

THREADS = 32
"""Resolutions at one time. One that nobody waits for any more goes on until the system gives up on it."""


class SystemResolver:
    """Asks the system, in threads of its own: a slow name server must not keep bodies from being parsed."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="resolver")

    async def __call__(self, name: str) -> Sequence[Address]:
        """Return the addresses of `name` in the system's order. Raises OSError."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _resolve, name)


def _resolve(name: str) -> Sequence[Address]:
    found = socket.getaddrinfo(name.encode("ascii"), None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(address[0]) for *_, address in found))
