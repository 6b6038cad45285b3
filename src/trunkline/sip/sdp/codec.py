"""RTP payload formats (RFC 3551 section 6, RFC 4733 for telephone events)."""

from msgspec import Struct

TELEPHONE_EVENT = "telephone-event"
CN = "CN"


class Codec(Struct, frozen=True, gc=False):
    """One payload type of a media section, and what it means there."""

    payload: int
    "Payload type, 0 to 127."
    name: str
    "Encoding name as written; compare by `is_named`."
    rate: int = 8000
    "RTP clock in Hz. G722 says 8000 and samples at 16000 (RFC 3551 section 4.5.2)."
    channels: int = 1
    fmtp: str = ""
    "Format parameters as written."

    @property
    def rtpmap(self) -> str:
        channels = "" if self.channels == 1 else f"/{self.channels}"
        return f"{self.name}/{self.rate}{channels}"

    @property
    def is_voice(self) -> bool:
        """Whether it carries speech, not digits or comfort noise."""
        return self.name.lower() not in ("telephone-event", "cn", "red")

    def is_named(self, name: str) -> bool:
        return self.name.lower() == name.lower()


STATIC = {
    codec.payload: codec
    for codec in (
        Codec(0, "PCMU"),
        Codec(3, "GSM"),
        Codec(4, "G723"),
        Codec(5, "DVI4"),
        Codec(6, "DVI4", 16_000),
        Codec(7, "LPC"),
        Codec(8, "PCMA"),
        Codec(9, "G722"),
        Codec(10, "L16", 44_100, 2),
        Codec(11, "L16", 44_100),
        Codec(12, "QCELP"),
        Codec(13, CN),
        Codec(14, "MPA", 90_000),
        Codec(15, "G728"),
        Codec(16, "DVI4", 11_025),
        Codec(17, "DVI4", 22_050),
        Codec(18, "G729"),
        Codec(25, "CelB", 90_000),
        Codec(26, "JPEG", 90_000),
        Codec(28, "nv", 90_000),
        Codec(31, "H261", 90_000),
        Codec(32, "MPV", 90_000),
        Codec(33, "MP2T", 90_000),
        Codec(34, "H263", 90_000),
    )
}
"Payload types that need no rtpmap."


def static_codec(name: str) -> Codec | None:
    """The format with a payload type of its own by that name."""
    return next((codec for codec in STATIC.values() if codec.is_named(name)), None)
