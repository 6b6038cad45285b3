"""Replies of rtpengine's NG protocol, read once into typed values."""

from msgspec import Struct

from trunkline.media.rtpengine.bencode import Fault, Value, decode


class Report(Struct, frozen=True, gc=False):
    """What the daemon says of one tag."""

    received: int
    "RTP packets accepted from it."
    refused: int
    "Packets dropped: wrong source, failed authentication."
    codec: str
    lost: int
    "As the other side's RTCP reports it; -1: no RTCP."
    jitter_ms: float
    mos: float
    "The daemon's own estimate from RTCP; 0.0: none."


class Reply(Struct, frozen=True):
    """Any reply; what a request does not ask for is empty."""

    ok: bool
    reason: str = ""
    "Why not ok, in the daemon's words."
    sdp: bytes = b""
    tag: bytes = b""
    "Tag of a subscription."
    duration_ms: int = -1
    "Of the file that plays; -1: not known."
    reports: dict[str, Report] = {}
    full: bool = False
    "The daemon is at a limit of its own (`--max-sessions`, `--max-load`, `--max-cpu`, `--max-bandwidth`) and takes no new call."

    @property
    def unknown_call(self) -> bool:
        """The daemon has no such call (any more)."""
        reason = self.reason.lower()
        return reason.startswith(("unknown call-id", "call-id not found"))


def read_reply(data: bytes) -> tuple[bytes, Reply] | Fault:
    """The cookie of a datagram and what it says."""
    cookie, space, body = data.partition(b" ")
    if not space or not cookie:
        return Fault("no cookie", 0)
    value = decode(body)
    if isinstance(value, Fault):
        return value
    if not isinstance(value, dict):
        return Fault("not a dictionary", len(cookie) + 1)
    result = value.get(b"result")
    if not isinstance(result, bytes):
        return Fault("no result", len(cookie) + 1)
    duration_ms = value.get(b"duration", -1)
    return cookie, Reply(
        ok=result in (b"ok", b"pong"),
        reason=_text(value, b"error-reason"),
        sdp=_bytes(value, b"sdp"),
        tag=_bytes(value, b"to-tag"),
        duration_ms=duration_ms if isinstance(duration_ms, int) else -1,
        reports=_reports(value),
        full=result == b"load limit",
    )


def _reports(reply: dict[bytes, Value]) -> dict[str, Report]:
    about_sources = _dictionary(reply, b"SSRC")
    return {
        tag.decode("utf-8", "replace"): report
        for tag, entry in _dictionary(reply, b"tags").items()
        if isinstance(entry, dict) and (report := _report(entry, about_sources)) is not None
    }


def _report(entry: dict[bytes, Value], about_sources: dict[bytes, Value]) -> Report | None:
    for media in _list(entry, b"medias"):
        streams = _list(media, b"streams") if isinstance(media, dict) else []
        if not isinstance(media, dict) or media.get(b"type") != b"audio" or not streams or not isinstance(streams[0], dict):
            continue
        counts = _dictionary(streams[0], b"stats")
        refused = _count(counts, b"errors")
        source = _dictionary(about_sources, b"%d" % _count(streams[0], b"SSRC"))
        average = _dictionary(source, b"average MOS")
        return Report(
            # The daemon counts a packet before it checks where it comes from.
            received=max(0, _count(counts, b"packets") - refused),
            refused=refused,
            codec=_text(media, b"codec").partition("/")[0],
            lost=_count(source, b"cumulative loss") if b"cumulative loss" in source else -1,
            jitter_ms=float(_count(average, b"jitter")),
            mos=_count(average, b"MOS") / 10,
        )
    return None


def _bytes(value: dict[bytes, Value], key: bytes) -> bytes:
    found = value.get(key)
    return found if isinstance(found, bytes) else b""


def _text(value: dict[bytes, Value], key: bytes) -> str:
    return _bytes(value, key).decode("utf-8", "replace")


def _count(value: dict[bytes, Value], key: bytes) -> int:
    found = value.get(key)
    return found if isinstance(found, int) and found > 0 else 0


def _list(value: dict[bytes, Value], key: bytes) -> list[Value]:
    found = value.get(key)
    return found if isinstance(found, list) else []


def _dictionary(value: dict[bytes, Value], key: bytes) -> dict[bytes, Value]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}
