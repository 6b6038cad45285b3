"""The control socket: one JSON line in, one JSON line out, on a Unix socket only this machine's owner can open."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

LINE_LIMIT = 1 << 20
"Bytes of one request."


class Request(msgspec.Struct, frozen=True):
    do: str
    call: str = ""
    gateway: str = ""
    version: str = ""
    "Of a policy that is kept in the node's data directory."
    rollback: bool = False
    author: str = ""
    reason: str = ""
    kind: str = ""
    "What answered, as a person labels it."
    facts: list[msgspec.Raw] = []
    "About our own numbers."
    note: str = ""
    side: str = ""
    "Whose keys: `caller` or `callee`."
    on: bool = True
    share: float = 0.0
    "Part of the answers, 0 to 1."
    seconds: int = 0
    count: int = 0
    days: float = 0.0


class RefusedError(Exception):
    """The request cannot be done; the text says why and what to do."""


class Control:
    """Serves requests by a table of named handlers."""

    def __init__(self, path: Path, handlers: dict[str, Callable[[Request], Any | Awaitable[Any]]]) -> None:
        self.path = path
        self.handlers = handlers
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        before = os.umask(0o177)  # not for a moment anybody else's
        try:
            self._server = await asyncio.start_unix_server(self._serve, str(self.path), limit=LINE_LIMIT)
        finally:
            os.umask(before)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(await self._answer(line) + b"\n")
                await writer.drain()
        except ConnectionError:
            pass  # a client that went away
        except ValueError:
            writer.write(msgspec.json.encode({"ok": False, "error": f"a request of more than {LINE_LIMIT} bytes"}) + b"\n")
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> bytes:
        try:
            request = msgspec.json.decode(line, type=Request)
            handler = self.handlers.get(request.do)
            if handler is None:
                raise RefusedError(f"no such request: {request.do}; known are {', '.join(sorted(self.handlers))}")
            result = handler(request)
            if isinstance(result, Awaitable):
                result = await result
            return msgspec.json.encode({"ok": True, "result": result})
        except (RefusedError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return msgspec.json.encode({"ok": False, "error": str(error)})
