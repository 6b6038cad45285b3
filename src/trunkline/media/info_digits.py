"""Digits in SIP INFO bodies: application/dtmf-relay and application/dtmf.

Neither has a standard; this is what gateways send. dtmf-relay names the digit and its milliseconds on two lines, dtmf is the bare digit.
Some send the number of the RTP event in place of `*`, `#` or a letter, which is read as well.
"""

import re

from msgspec import Struct

from trunkline.media.rtp import Malformed
from trunkline.media.telephone_event import DIGITS

DTMF_RELAY = "application/dtmf-relay"
DTMF = "application/dtmf"
DEFAULT_MS = 250
"Where the body gives no duration."
LONGEST_MS = 10_000

_SIGNAL = re.compile(rb"^\s*Signal\s*=\s*([0-9A-Da-d*#]|1[0-5])\s*$", re.IGNORECASE | re.MULTILINE)
_DURATION = re.compile(rb"^\s*Duration\s*=\s*([0-9]{1,6})\s*$", re.IGNORECASE | re.MULTILINE)
_BARE = re.compile(rb"\s*([0-9A-Da-d*#]|1[0-5])\s*\Z")


class InfoDigit(Struct, frozen=True, gc=False):
    """One press told by INFO."""

    digit: str
    "One of `DIGITS`."
    duration_ms: int = DEFAULT_MS


def parse_info(content_type: str, body: bytes) -> InfoDigit | Malformed | None:
    """Read a body; None when its type is neither of the two."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == DTMF_RELAY:
        signal, duration = _SIGNAL.search(body), _DURATION.search(body)
        if signal is None:
            return Malformed("no signal in dtmf-relay")
        wait = int(duration[1]) if duration else DEFAULT_MS
        return InfoDigit(_digit(signal[1]), max(1, min(LONGEST_MS, wait)))
    if kind == DTMF:
        bare = _BARE.match(body)
        return InfoDigit(_digit(bare[1])) if bare else Malformed("not one digit")
    return None


def build_info(digit: InfoDigit, content_type: str = DTMF_RELAY) -> bytes:
    """The body for one press, in either type."""
    if content_type == DTMF:
        return digit.digit.encode()
    return f"Signal={digit.digit}\r\nDuration={digit.duration_ms}\r\n".encode()


def _digit(text: bytes) -> str:
    return DIGITS[int(text)] if len(text) == 2 else text.decode().upper()
