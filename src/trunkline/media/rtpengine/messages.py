"""Requests of rtpengine's NG protocol, as version 10.5 understands them.

A request is a dictionary; on the wire it is `cookie SP dictionary`, and the daemon answers a repeated cookie with the same reply. Legs are
tags: leg 0 is `from-tag` "0". The far leg's tag is named in its first offer already, so that it can be spoken of before it answers; the
branch is the number of the attempt, so that one attempt can be deleted alone.
"""

from typing import TypeAlias

from trunkline.media.engine import Side
from trunkline.media.rtpengine.bencode import Value, encode
from trunkline.media.rtpengine.codecs import Choice

Request: TypeAlias = dict[bytes, Value]

ENDLESS = 1_000_000
"Repeats, for the daemon knows no word for it."

_CLEAR_SUITES: tuple[Value, ...] = (b"no-NULL_HMAC_SHA1_80", b"no-NULL_HMAC_SHA1_32")
_ODD_SUITES: tuple[Value, ...] = (
    b"no-AEAD_AES_256_GCM", b"no-AES_192_CM_HMAC_SHA1_80", b"no-AES_192_CM_HMAC_SHA1_32", b"no-AES_256_CM_HMAC_SHA1_32",
    b"no-F8_128_HMAC_SHA1_80", b"no-F8_128_HMAC_SHA1_32",
)  # fmt: skip
"What no phone asks for; eleven suites would push an INVITE over 1,300 bytes for nothing."


def datagram(cookie: bytes, request: Request) -> bytes:
    """A request as it goes to the daemon."""
    return cookie + b" " + encode(request)


def ping() -> Request:
    return {b"command": b"ping"}


def offer(call: str, source: int, leg: int, choice: Choice, source_side: Side, side: Side, inject_digits: bool) -> Request:
    """SDP of leg `source`, to be made fit for leg `leg`. Its codecs were chosen already."""
    request = _description(b"offer", call, source, leg, choice.sdp, source_side, side, inject_digits)
    request[b"supports"] = [b"load limit"]  # else a full daemon says so in words for people
    request[b"transport-protocol"] = b"RTP/SAVP" if side.secure else b"RTP/AVP"
    if side.secure:
        request[b"SDES"] = [*_CLEAR_SUITES, *_ODD_SUITES]
    if side.interface or source_side.interface:
        request[b"direction"] = [_interface(source_side), _interface(side)]
    codec: dict[bytes, Value] = {}
    if side.digits == "audio":
        # The source keeps telephone-events; the leg hears tones.
        codec[b"consume"] = [b"telephone-event"]
    if choice.added:
        codec[b"mask"] = [name.encode() for name in choice.masked]
        codec[b"transcode"] = [name.encode() for name in choice.added]
    if codec:
        request[b"codec"] = codec
    return request


def answer(call: str, leg: int, source: int, sdp: bytes, source_side: Side, side: Side, inject_digits: bool) -> Request:
    """SDP of leg `source` that answers an offer of leg `leg`."""
    return _description(b"answer", call, leg, source, sdp, source_side, side, inject_digits)


def delete_leg(call: str, other: int, leg: int) -> Request:
    """One attempt is over. Refused by us, not by the daemon, where it is the last: the whole call would go with it."""
    return {**_of(b"delete", call), b"from-tag": _tag(other), b"to-tag": _tag(leg), b"via-branch": _branch(other, leg), b"delete-delay": 0}


def delete_call(call: str) -> Request:
    """The call is over, at once: without `delete-delay` the ports would stay open for thirty seconds."""
    return {**_of(b"delete", call), b"delete-delay": 0}


def query(call: str) -> Request:
    return _of(b"query", call)


def subscribe_request(call: str, leg: int) -> Request:
    """Ask for a copy of what comes from a leg; the reply carries an offer and a tag for the copy."""
    return {**_from(b"subscribe request", call, leg), b"transport-protocol": b"RTP/AVP"}


def subscribe_answer(call: str, tag: bytes, sdp: bytes) -> Request:
    """Say where the copy goes."""
    return {**_of(b"subscribe answer", call), b"to-tag": tag, b"sdp": sdp, b"flags": []}


def unsubscribe(call: str, tag: bytes) -> Request:
    return {**_of(b"unsubscribe", call), b"to-tag": tag}


def play_media(call: str, leg: int, file: str, repeat: int) -> Request:
    """Play a file, named as the daemon sees the file system, towards a leg. A repeat of 0 lasts until it is stopped."""
    return {**_from(b"play media", call, leg), b"file": file.encode("utf-8", "surrogateescape"), b"repeat-times": repeat or ENDLESS}


def stop_media(call: str, leg: int) -> Request:
    return _from(b"stop media", call, leg)


def play_dtmf(call: str, source: int, digit: str, duration_ms: int) -> Request:
    """Press a key as if leg `source` had. The daemon queues keys and puts a pause of 100 ms between them."""
    return {**_from(b"play DTMF", call, source), b"code": digit.encode("ascii"), b"duration": duration_ms}


def block_media(call: str, leg: int, on: bool) -> Request:
    return _from(b"block media" if on else b"unblock media", call, leg)


def block_dtmf(call: str, leg: int, on: bool) -> Request:
    return _from(b"block DTMF" if on else b"unblock DTMF", call, leg)


def _of(command: bytes, call: str) -> Request:
    return {b"command": command, b"call-id": call.encode("utf-8", "surrogateescape")}


def _from(command: bytes, call: str, leg: int) -> Request:
    return {**_of(command, call), b"from-tag": _tag(leg)}


def _description(
    command: bytes, call: str, offerer: int, answerer: int, sdp: bytes, source_side: Side, side: Side, inject_digits: bool
) -> Request:
    # Flags about sources speak of the leg the SDP came from.
    # Strictness begins once an endpoint is confirmed; by default, whoever speaks first, in three seconds, confirms it.
    learns = source_side.nat or bool(source_side.networks)
    flags: list[Value] = [b"port latching", b"strict source", b"endpoint-learning-immediate" if learns else b"endpoint-learning-off"]
    if inject_digits:
        flags.append(b"inject DTMF")
    return {
        **_from(command, call, offerer),
        b"to-tag": _tag(answerer),
        b"via-branch": _branch(offerer, answerer),
        b"sdp": sdp,
        b"flags": flags,
        b"ICE": b"remove",
        b"DTLS": b"off",
        b"rtcp-mux": [b"demux"],
        b"replace": [b"origin", b"session connection"],
        b"TOS": side.dscp << 2,
    }


def _tag(leg: int) -> bytes:
    return b"%d" % leg


def _branch(one: int, other: int) -> bytes:
    return b"%d" % max(one, other)


def _interface(side: Side) -> bytes:
    return side.interface.encode() or b"default"
