"""How audio is handled towards a trunk or a gateway, where Trunkline carries it (`[media]` in trunkline.toml)."""

from typing import Literal

from trunkline.policy.scalars import Dscp, Name, Network, YesNo
from trunkline.policy.section import Section, key


class Audio(Section):
    """What its RTP is like. Nothing of it matters with the media engine `bypass`."""

    secure: YesNo = key(False, example="true")
    "SRTP with SDES keys (RFC 4568) towards it; signalling should then be TLS."
    nat: YesNo = key(False, example="true")
    "It is behind NAT: RTP is taken from where the first packet comes, not from where its SDP says."
    networks: tuple[Network, ...] = key((), example="[198.51.100.0/24]")
    "Networks its RTP may come from besides the address in its SDP."
    interface: Name | None = key(None, example="inside")
    "The `[[media.interface]]` to use towards it; the first where none is named."
    digits: Literal["event", "info", "audio"] = key("event", example="info")
    "How it wants keys pressed: telephone-events (RFC 4733), SIP INFO, or as tones."
    dscp: Dscp = key(46, example="0")
    "DSCP of RTP sent to it; 46 is expedited forwarding (RFC 3246)."
