"""What carrying the audio needs from a session description, and the description that points at us instead (RFC 3264, 3605, 4568, 5761).

Reading gives one `Side` per call: where its RTP and RTCP go, under which keys, in which formats. Writing replaces address, port, keys and
direction of the sections that we carry and refuses the others; every attribute that says nothing about the path stays as it was.
"""

from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from trunkline.sip.sdp import DIRECTIONS, Codec, Connection, Media, Origin, Session

PATH_ATTRIBUTES = frozenset(
    {
        "rtcp", "rtcp-mux", "rtcp-mux-only", "crypto", "candidate", "remote-candidates", "end-of-candidates", "ice-ufrag", "ice-pwd",
        "ice-options", "ice-lite", "ice-mismatch", "ice-pacing", "fingerprint", "setup", "tls-id", "dtls-id", "zrtp-hash", "ssrc",
        "ssrc-group", "group", "msid", "source-filter", "key-mgmt",
    }
)  # fmt: skip
"Attributes that describe the transport or the sender beside us, and end where we stand."


class Side(Struct, frozen=True, gc=False):
    """One side's audio section, as media sees it."""

    index: int
    "Of the section in the description."
    address: str
    "Empty where the description gives none."
    address_type: str
    port: int
    rtcp_address: str
    rtcp_port: int
    "By a=rtcp, else the port after RTP's; RTP's own with `rtcp_mux`, which holds only if both sides say it."
    rtcp_mux: bool
    secure: bool
    "RTP/SAVP or SAVPF."
    crypto: tuple[str, ...]
    "Values of a=crypto, in order."
    codecs: tuple[Codec, ...]
    "In order of preference, telephone events and comfort noise among them."
    ptime_ms: int
    "Wished for; 20 where nothing is said."
    direction: str

    @property
    def telephone_event(self) -> int | None:
        """Payload type of the telephone events that run on the clock of the first voice format; any other if none does."""
        return _telephone_event(self.codecs)

    @property
    def voice(self) -> Codec | None:
        """The format preferred for speech."""
        return next((codec for codec in self.codecs if codec.is_voice), None)

    def codec(self, payload: int) -> Codec | None:
        return next((codec for codec in self.codecs if codec.payload == payload), None)

    @property
    def sends(self) -> bool:
        """Whether this side sends audio to us."""
        return self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        return self.direction in ("sendrecv", "recvonly")


class Anchor(Struct, frozen=True, gc=False):
    """Where one section is to point."""

    address: str
    port: int
    address_type: str = "IP4"
    rtcp_port: int | None = None
    "None: the port after RTP's, unsaid."
    rtcp_mux: bool = False
    crypto: tuple[str, ...] = ()
    "Values of a=crypto; with any, the section becomes RTP/SAVP, with none RTP/AVP."
    direction: str | None = None
    "None keeps the one in force."


@lru_cache(256)
def _telephone_event(codecs: tuple[Codec, ...]) -> int | None:
    events = [codec for codec in codecs if codec.is_named("telephone-event")]
    rate = next((codec.rate for codec in codecs if codec.is_voice), 8000)
    return min(events, key=lambda codec: codec.rate != rate).payload if events else None


def read_side(session: Session) -> Side | None:
    """The first audio section that is not refused; None when there is none over RTP."""
    media = session.audio
    if media is None or not media.is_rtp:
        return None
    connection = session.connection_of(media) or Connection("")
    rtcp_address, rtcp_port = connection.address, media.port if media.rtcp_mux else min(media.port + 1, 65_535)
    parts = (media.attribute("rtcp") or "").split()
    if parts and not media.rtcp_mux and parts[0].isascii() and parts[0].isdecimal() and len(parts[0]) <= 5 and 0 < int(parts[0]) < 65_536:
        rtcp_port = int(parts[0])
        if len(parts) == 4:
            rtcp_address = parts[3]
    return Side(
        index=session.media.index(media),
        address=connection.address,
        address_type=connection.address_type,
        port=media.port,
        rtcp_address=rtcp_address,
        rtcp_port=rtcp_port,
        rtcp_mux=media.rtcp_mux,
        secure="SAVP" in media.proto.upper(),
        crypto=tuple(value.strip() for value in media.attributes("crypto")),
        codecs=media.codecs,
        ptime_ms=media.ptime_ms or 20,
        direction=session.direction_of(media),
    )


def anchored(session: Session, anchors: Sequence[Anchor | None], origin: Origin | None = None) -> Session:
    """The description with its sections pointing at `anchors`, in order; a section without one is refused.

    `origin` replaces o=, which names the far end's host. A hold by null address becomes a stated direction.
    """
    sections: list[Media] = []
    for at, media in enumerate(session.media):
        anchor = anchors[at] if at < len(anchors) else None
        sections.append(media.refused() if anchor is None or media.port == 0 else _point(session, media, anchor))
    first = next((anchor for anchor in anchors if anchor is not None), None)
    lines = [line for line in session.lines if not _about_path(line)]
    if first is not None:
        lines = [("c", f"IN {first.address_type} {first.address}") if line[0] == "c" else line for line in lines]
    return Session(origin or session.origin, tuple(sections), tuple(lines), session.name)


def _point(session: Session, media: Media, anchor: Anchor) -> Media:
    # The grammar (RFC 8866 section 9) wants i= before c=, b= and k= after it, and attributes last.
    title = [line for line in media.lines if line[0] == "i"]
    band = [line for line in media.lines if line[0] == "b"]
    rest = [line for line in media.lines if line[0] not in "icbk" and not _about_path(line)]
    direction = anchor.direction or session.direction_of(media)
    if media.is_rtp:
        rest = [line for line in rest if line[0] != "a" or line[1].strip() not in DIRECTIONS]
        rest.append(("a", direction))
    if anchor.rtcp_mux:
        rest.append(("a", "rtcp-mux"))
    if anchor.rtcp_port is not None:
        rest.append(("a", f"rtcp:{anchor.rtcp_port}"))
    rest += [("a", f"crypto:{value}") for value in anchor.crypto]
    lines = (*title, ("c", f"IN {anchor.address_type} {anchor.address}"), *band, *rest)
    return Media(media.kind, anchor.port, _proto(media, bool(anchor.crypto)), media.formats, lines)


def _proto(media: Media, secure: bool) -> str:
    if not media.is_rtp:
        return media.proto
    feedback = "F" if media.proto.upper().endswith("F") else ""
    return f"RTP/{'S' if secure else ''}AVP{feedback}"


def _about_path(line: tuple[str, str]) -> bool:
    return line[0] == "a" and line[1].partition(":")[0].strip() in PATH_ATTRIBUTES
