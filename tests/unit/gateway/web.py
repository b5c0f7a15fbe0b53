"""Servers on loopback that behave as they are told, and names that resolve to them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address

from gateway.health import white_png
from gateway.url_policy import Address

PICTURE = white_png(8)

Script = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
"""Answers a request's head; the connection closes where it ends."""


class Web:
    """What a server was asked and what became of its connections."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.port = 0
        self.heads: list[bytes] = []
        self.connections = 0
        self.closed = asyncio.Event()
        """Set when a connection is over."""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            watching = asyncio.create_task(reader.read())
            answering = asyncio.ensure_future(self.script(head, writer))
            await asyncio.wait((watching, answering), return_when=asyncio.FIRST_COMPLETED)
            for task in (watching, answering):
                task.cancel()
            await asyncio.gather(watching, answering, return_exceptions=True)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed.set()
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


@asynccontextmanager
async def serving(
    script: Script, host: str = "127.0.0.1", port: int = 0, context: ssl.SSLContext | None = None
) -> AsyncIterator[Web]:
    web = Web(script)
    server = await asyncio.start_server(web.handle, host, port, ssl=context)
    web.port = server.sockets[0].getsockname()[1]
    try:
        yield web
    finally:
        server.close()


def sends(*pieces: bytes, pause_s: float = 0.0) -> Script:
    async def script(_head: bytes, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return script


def repeats(start: bytes, piece: bytes, pause_s: float = 0.0) -> Script:
    async def script(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return script


async def silent(_head: bytes, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


def ok(content: bytes = PICTURE, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(content)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


def redirect(location: str, status: int = 302, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Elsewhere", f"Location: {location}", "Content-Length: 0", *headers, "", ""]
    return "\r\n".join(lines).encode()


class FakeNames:
    """A resolver; whenever a name is asked for it gives the next of its answers, the last one for ever."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(sequence) for name, sequence in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, name: str) -> Sequence[Address]:
        self.asked.append(name)
        if name not in self._answers:
            raise OSError("no such name")
        sequence = self._answers[name]
        found = sequence.pop(0) if len(sequence) > 1 else sequence[0]
        return [ip_address(text) for text in found]
