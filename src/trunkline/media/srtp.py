"""SRTP and SRTCP with one far end (RFC 3711, RFC 7714), by libsrtp.

What a stranger can cause (a forged, repeated or broken packet) comes back as a value. Keep the object for as long as the keys stand: it
holds the roll-over counters, which a new one starts at zero again.
"""

from enum import Enum
from typing import TypeAlias

from msgspec import Struct
from pylibsrtp import Error, Policy, Session

from trunkline.media.rtp import Datagram, is_rtcp, is_rtp
from trunkline.media.sdes import AEAD_128, AEAD_256, AES_CM_32, AES_CM_80, Crypto

LONGEST = 1500 - 148
"Bytes that can be protected: what libsrtp may add must fit one Ethernet frame."
REPLAY_WINDOW = 1024
"Packets."

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
    """Both directions towards one far end, for any number of SSRCs."""

    __slots__ = ("_inbound", "_outbound", "ours", "theirs")

    def __init__(self, ours: Crypto, theirs: Crypto) -> None:
        """`ours` is the line we sent, under whose key we send; `theirs` the one we received. Suites differ only by a bug of ours."""
        if ours.suite != theirs.suite:
            raise ValueError("one suite serves both directions")
        self.ours = ours
        self.theirs = theirs
        self._outbound = _session(ours, Policy.SSRC_ANY_OUTBOUND)
        self._inbound = _session(theirs, Policy.SSRC_ANY_INBOUND)

    def protect(self, packet: Datagram) -> Result:
        """An RTP packet as it goes on the wire."""
        if len(packet) > LONGEST:
            return SrtpFailure(Cause.TOO_LONG)
        if not is_rtp(packet):
            return SrtpFailure(Cause.NOT_RTP)
        try:
            return self._outbound.protect(bytes(packet))
        except Error as error:
            return _failure(error)

    def unprotect(self, datagram: Datagram) -> Result:
        """The RTP packet of a datagram."""
        if len(datagram) > 1500:
            return SrtpFailure(Cause.TOO_LONG)
        if not is_rtp(datagram):
            return SrtpFailure(Cause.NOT_RTP)
        try:
            return self._inbound.unprotect(bytes(datagram))
        except Error as error:
            return _failure(error)

    def protect_rtcp(self, packet: Datagram) -> Result:
        """An RTCP compound as it goes on the wire."""
        if len(packet) > LONGEST:
            return SrtpFailure(Cause.TOO_LONG)
        if not is_rtcp(packet):
            return SrtpFailure(Cause.NOT_RTP)
        try:
            return self._outbound.protect_rtcp(bytes(packet))
        except Error as error:
            return _failure(error)

    def unprotect_rtcp(self, datagram: Datagram) -> Result:
        """The RTCP compound of a datagram."""
        if len(datagram) > 1500:
            return SrtpFailure(Cause.TOO_LONG)
        if not is_rtcp(datagram):
            return SrtpFailure(Cause.NOT_RTP)
        try:
            return self._inbound.unprotect_rtcp(bytes(datagram))
        except Error as error:
            return _failure(error)


def _session(crypto: Crypto, direction: int) -> Session:
    policy = Policy(key=crypto.key, ssrc_type=direction, srtp_profile=_PROFILES[crypto.suite])
    policy.window_size = REPLAY_WINDOW
    return Session(policy)


def _failure(error: Error) -> SrtpFailure:
    return SrtpFailure(_CAUSES.get(str(error), Cause.FAILED))
