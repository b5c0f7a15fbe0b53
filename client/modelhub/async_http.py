"""The connections that carry many requests at a time to the JSON API: `modelhub.http` without blocking.

They are aiohttp's, which takes an eighth of the processor time that httpx takes for a request: a command that
sends pictures by the thousand often shares its machine with the server. What fails is raised as httpx's
errors all the same, so that callers of either client catch one thing.
"""

import asyncio
import io
from collections.abc import Sequence

import aiohttp
import httpx
from yarl import URL

from modelhub import http
from modelhub.http import Answer, Question, Reply
from modelhub.pictures import Picture

INLINE_BYTES = 64 * 1024
"""What is no larger is encoded or parsed where it is; a thread would cost more than it frees."""
PIECEWISE_BYTES = 2**20
"""A body that is larger is sent in pieces, so that other requests are sent meanwhile."""
IDLE_S = 5.0
"""For how long a connection is kept that carries nothing: less than the gateway keeps it."""

_LISTING = Question(http.LISTING, None, b"", http.JSON_TYPE)


class AsyncHttpConnection:
    """The way to one gateway; files are read, and what is large is encoded and parsed, in threads."""

    has_forms = True

    def __init__(self, url: str, token: str | None) -> None:
        self._url = str(httpx.URL(url)).rstrip("/")
        self._headers = http.authorization(token)
        self._opened: aiohttp.ClientSession | None = None

    async def prepare(self, service: str, pictures: Sequence[Picture], mask_format: str | None) -> Question:
        """Return what `ask` takes, as `http.question`."""
        if all(isinstance(one, bytes) and len(one) <= INLINE_BYTES for one in pictures):
            return http.question(service, pictures, mask_format)
        return await asyncio.to_thread(http.question, service, pictures, mask_format)

    async def ask(self, one: Question, timeout_s: float) -> Answer:
        """Return the answer; raises ServiceError and httpx.TransportError."""
        reply = await self._reply("POST", one, timeout_s)
        if len(reply.content) <= INLINE_BYTES:
            return http.answer_of(reply)
        return await asyncio.to_thread(http.answer_of, reply)

    async def plain(self, answer: Answer) -> Answer:
        """Return the answer as parsed from JSON, which it is."""
        return answer

    async def services(self, timeout_s: float) -> list[str]:
        """Return the names of the services that the gateway documents; raises as `ask`."""
        return http.services_of(await self._reply("GET", _LISTING, timeout_s))

    async def close(self) -> None:
        """Let go of the connections."""
        if self._opened is not None:
            await self._opened.close()

    async def _reply(self, method: str, one: Question, timeout_s: float) -> Reply:
        """Return what came back, a redirect too. Raises httpx.TransportError."""
        try:
            async with self._session().request(
                method,
                URL(self._url + one.path, encoded=True),
                params=one.query,
                data=one.body if len(one.body) <= PIECEWISE_BYTES else io.BytesIO(one.body),
                headers={**http.patience(timeout_s), "Content-Type": one.content_type},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s + http.GRACE_S, sock_connect=timeout_s),
            ) as response:
                return Reply(response.status, response.headers, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise as_httpx(error) from error

    def _session(self) -> aiohttp.ClientSession:
        """Return the connections; they belong to the event loop that runs when the first one is needed."""
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                headers=self._headers,
                # Callers decide how much they ask at once; nobody waits for a place here.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._opened


def as_httpx(error: aiohttp.ClientError | TimeoutError) -> httpx.TransportError:
    """Return the error that httpx has for what happened."""
    kind: type[httpx.TransportError] = httpx.RemoteProtocolError  # half an answer, or none in HTTP
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        kind = httpx.ConnectTimeout
    elif isinstance(error, TimeoutError):
        kind = httpx.ReadTimeout
    elif isinstance(error, aiohttp.ClientConnectorError):
        kind = httpx.ConnectError
    elif isinstance(error, aiohttp.ClientOSError):
        kind = httpx.ReadError
    return kind(str(error) or "the server disconnected without an answer")
