"""SRTP and SRTCP with one far end (RFC 3711, RFC 7714), by libsrtp.

libsrtp works in place and the binding's own calls copy a packet three times, which costs more than the ciphers; so its functions are called directly.

What a stranger can cause (a forged, repeated or broken packet) comes back as a value. Keep the object for as long as the keys stand: it
holds the roll-over counters, which a new one starts at zero again.
"""

from enum import Enum
from importlib import import_module
from typing import Any, TypeAlias

from msgspec import Struct
from pylibsrtp import ERRORS, Policy, Session

from trunkline.media.rtp import Datagram, is_rtcp, is_rtp
from trunkline.media.sdes import AEAD_128, AEAD_256, AES_CM_32, AES_CM_80, Crypto

LONGEST = 1500 - 148
"Bytes that can be protected: what libsrtp may add must fit one Ethernet frame."
REPLAY_WINDOW = 1024
"Packets."

_binding: Any = import_module("pylibsrtp._binding")
_BUFFER = bytearray(2048)
_MEMORY: Any = _binding.ffi.from_buffer(_BUFFER)
_SIZE: Any = _binding.ffi.new("int *")
_PROTECT, _UNPROTECT = _binding.lib.srtp_protect, _binding.lib.srtp_unprotect
_PROTECT_RTCP, _UNPROTECT_RTCP = _binding.lib.srtp_protect_rtcp, _binding.lib.srtp_unprotect_rtcp
_VIEWS = tuple(memoryview(_BUFFER)[:size] for size in range(len(_BUFFER) + 1))

_PROFILES = {
    AES_CM_80.name: Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    AES_CM_32.name: Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    AEAD_128.name: Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    AEAD_256.name: Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}


class Cause(Enum):
    """Why a packet did not pass."""

    FORGED = "authentication failed"
    REPLAYED = "seen before, or too old to tell"
    NOT_RTP = "no RTP or RTCP packet"
    TOO_LONG = "does not fit"
    EXPIRED = "key used up"
    FAILED = "libsrtp refused it"


class SrtpFailure(Struct, frozen=True, gc=False):
    """A packet that was not protected, or not let in."""

    cause: Cause


Result: TypeAlias = bytes | SrtpFailure

_CAUSES = {
    "authentication failure": Cause.FORGED,
    "replay check failed (bad index)": Cause.REPLAYED,
    "replay check failed (index too old)": Cause.REPLAYED,
    "packet index is too old to consider": Cause.REPLAYED,
    "error parsing data": Cause.NOT_RTP,
    "unspecified failure": Cause.NOT_RTP,
    "can't use key any more": Cause.EXPIRED,
}


class SrtpSession:
    """Both directions towards one far end, for any number of SSRCs.

    What `seal` and `open` give is in memory that all sessions share, and stands until the next packet of any: it is sent on or copied at once.
    """

    __slots__ = ("_inbound", "_opener", "_outbound", "_sealer", "ours", "theirs")

    def __init__(self, ours: Crypto, theirs: Crypto) -> None:
        """`ours` is the line we sent, under whose key we send; `theirs` the one we received. Suites differ only by a bug of ours."""
        if ours.suite != theirs.suite:
            raise ValueError("one suite serves both directions")
        self.ours = ours
        self.theirs = theirs
        self._outbound = _session(ours, Policy.SSRC_ANY_OUTBOUND)
        self._inbound = _session(theirs, Policy.SSRC_ANY_INBOUND)
        self._sealer = self._outbound._srtp[0]
        self._opener = self._inbound._srtp[0]

    def seal(self, packet: Datagram) -> memoryview | SrtpFailure:
        """An RTP packet as it goes on the wire."""
        if len(packet) > LONGEST:
            return SrtpFailure(Cause.TOO_LONG)
        if not is_rtp(packet):
            return SrtpFailure(Cause.NOT_RTP)
        return _run(_PROTECT, self._sealer, packet)

    def open(self, datagram: Datagram) -> memoryview | SrtpFailure:
        """The RTP packet of a datagram."""
        if len(datagram) > 1500:
            return SrtpFailure(Cause.TOO_LONG)
        if not is_rtp(datagram):
            return SrtpFailure(Cause.NOT_RTP)
        return _run(_UNPROTECT, self._opener, datagram)

    def protect(self, packet: Datagram) -> Result:
        """The same as `seal`, to keep."""
        return _kept(self.seal(packet))

    def unprotect(self, datagram: Datagram) -> Result:
        """The same as `open`, to keep."""
        return _kept(self.open(datagram))

    def protect_rtcp(self, packet: Datagram) -> Result:
        """An RTCP compound as it goes on the wire."""
        if len(packet) > LONGEST:
            return SrtpFailure(Cause.TOO_LONG)
        if not is_rtcp(packet):
            return SrtpFailure(Cause.NOT_RTP)
        return _kept(_run(_PROTECT_RTCP, self._sealer, packet))

    def unprotect_rtcp(self, datagram: Datagram) -> Result:
        """The RTCP compound of a datagram."""
        if len(datagram) > 1500:
            return SrtpFailure(Cause.TOO_LONG)
        if not is_rtcp(datagram):
            return SrtpFailure(Cause.NOT_RTP)
        return _kept(_run(_UNPROTECT_RTCP, self._opener, datagram))


def _session(crypto: Crypto, direction: int) -> Session:
    policy = Policy(key=crypto.key, ssrc_type=direction, srtp_profile=_PROFILES[crypto.suite])
    policy.window_size = REPLAY_WINDOW
    return Session(policy)


def _run(work: Any, context: Any, packet: Datagram) -> memoryview | SrtpFailure:
    """Let libsrtp work on a copy of a packet, in place."""
    size = len(packet)
    _VIEWS[size][:] = packet
    _SIZE[0] = size
    status = work(context, _MEMORY, _SIZE)
    return SrtpFailure(_CAUSES.get(ERRORS[status], Cause.FAILED)) if status else _VIEWS[_SIZE[0]]


def _kept(done: memoryview | SrtpFailure) -> Result:
    return done if isinstance(done, SrtpFailure) else bytes(done)
