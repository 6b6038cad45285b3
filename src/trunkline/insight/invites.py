"""INVITEs for a replay: a log keeps what a dialer sent along, not the message; a trunk's `metadata` reads it back from one made for it."""

from collections.abc import Mapping

from trunkline.policy.snapshot import Trunk
from trunkline.sip.message import Request, parse

DECIDING = ("campaign", "purpose", "zone")
"Metadata that rules of contact go by."

MOST = 10_000
"Messages kept ready."

Named = tuple[tuple[str, str], ...]


class Invites:
    """Messages by what they have to tell."""

    def __init__(self) -> None:
        self._made: dict[tuple[tuple[tuple[str, str], ...], Named], Request] = {}

    def of(self, trunk: Trunk | None, metadata: Mapping[str, str]) -> Request:
        """An INVITE from which this trunk's `metadata` reads these values."""
        sources = trunk.metadata if trunk is not None else ()
        told: Named = tuple((name, metadata[name]) for name in DECIDING if metadata.get(name)) if sources else ()
        key = (sources, told)
        known = self._made.get(key)
        if known is None:
            if len(self._made) >= MOST:
                self._made.clear()
            known = self._made[key] = _message(dict(sources), dict(told))
        return known


def _message(sources: Mapping[str, str], told: Mapping[str, str]) -> Request:
    user, display, parameters, lines = "anonymous", "", "", ""
    for name, value in told.items():
        kind, _, argument = sources.get(name, "").partition(":")
        value = "".join(letter for letter in value if letter.isprintable())
        if kind == "header":
            lines += f"{argument}: {value}\r\n"
        elif kind == "user":
            user = value
        elif kind == "from":
            display = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '" '
        elif kind == "param":
            parameters += f";{argument}={value}"
    message = parse(
        (
            f"INVITE sip:1@192.0.2.250{parameters} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\nFrom: {display}<sip:{user}@192.0.2.1>;tag=1\r\n"
            "To: <sip:1@192.0.2.250>\r\nCall-ID: what-if\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:192.0.2.1>\r\n"
            f"{lines}Content-Length: 0\r\n\r\n"
        ).encode("utf-8", "surrogateescape")
    )
    if not isinstance(message, Request):
        raise RuntimeError(f"an INVITE that tells {dict(told)} does not parse: {message}")
    return message
