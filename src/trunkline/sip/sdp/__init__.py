"""Session descriptions (RFC 8866).

`session` reads and writes them whole, `call_path` answers the few questions every call asks.
"""

from trunkline.sip.sdp.call_path import direction_of, filter_codecs, first_codec
from trunkline.sip.sdp.codec import CN, STATIC, TELEPHONE_EVENT, Codec, static_codec
from trunkline.sip.sdp.session import DIRECTIONS, Connection, Media, Origin, Session, parse_sdp

__all__ = [
    "CN",
    "DIRECTIONS",
    "STATIC",
    "TELEPHONE_EVENT",
    "Codec",
    "Connection",
    "Media",
    "Origin",
    "Session",
    "direction_of",
    "filter_codecs",
    "first_codec",
    "parse_sdp",
    "static_codec",
]
