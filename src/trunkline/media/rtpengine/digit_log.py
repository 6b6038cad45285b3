"""Keys pressed, as rtpengine logs them: one JSON object in a datagram, to the address of `--dtmf-log-dest`.

A key is logged once, when it is let go (RFC 4733 end packets), whether or not its leg is blocked. The daemon logs the event code, the leg's tag
and the duration; keys heard in audio are not logged unless the daemon is asked to decode every call.
"""

import msgspec
from msgspec import Struct

KEYS = "0123456789*#ABCD"
"By event code, RFC 4733 table 3; others (flash, tones) are not keys."


class _Entry(Struct, frozen=True, gc=False):
    callid: str
    source_tag: str
    event: int
    duration: int
    type: str = "DTMF"


class Key(Struct, frozen=True, gc=False):
    """A key pressed by a leg."""

    call: str
    tag: str
    digit: str
    duration_ms: int


_decoder = msgspec.json.Decoder(_Entry)


def read_digit(data: bytes) -> Key | None:
    """The key a log datagram speaks of; None where it speaks of none."""
    try:
        entry = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if entry.type != "DTMF" or not 0 <= entry.event < len(KEYS):
        return None
    return Key(entry.callid, entry.source_tag, KEYS[entry.event], max(0, entry.duration))
