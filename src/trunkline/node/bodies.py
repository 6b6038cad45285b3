"""What strangers' web servers answer, as far as anybody wants to read it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

AS_IT_IS = {"Accept-Encoding": "identity"}
"Headers of every request: a few packed bytes may be gigabytes."


async def body_of(response: "httpx.Response", most: int) -> bytes:
    """The body as it came, unpacked by nobody. Raises ValueError beyond `most` bytes."""
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > most:
            raise ValueError(f"{response.url}: more than {most} bytes")
    return bytes(body)
