"""Via: the way a response goes back (RFC 3261 section 20.42, RFC 3581)."""

import re

from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.headers.grammar import TOKEN, parse_number, parse_params, render_params, split_list, without
from trunkline.sip.uri import Params, lookup

_VIA = re.compile(
    rf"[ \t]*+({TOKEN})[ \t]*+/[ \t]*+({TOKEN})[ \t]*+/[ \t]*+({TOKEN})[ \t]++"
    r"([A-Za-z0-9_.-]++|\[[0-9A-Fa-f:.]++\])[ \t]*+(?::[ \t]*+([0-9]{1,5}))?[ \t]*+(?=;|\Z)"
)


class Via(Struct, frozen=True, gc=False):
    """One hop."""

    transport: str
    "As written: UDP, TCP, TLS, WS, WSS or what the future brings."
    host: str
    "Sent-by host, an IPv6 address in its brackets."
    port: int | None = None
    params: Params = ()
    protocol: str = "SIP/2.0"

    def __str__(self) -> str:
        return f"{self.protocol}/{self.transport} {self.sent_by}{render_params(self.params)}"

    @property
    def sent_by(self) -> str:
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def branch(self) -> str:
        """Empty when there is none."""
        return lookup(self.params, "branch") or ""

    @property
    def received(self) -> str:
        """Address the request came from; empty when not stamped."""
        return lookup(self.params, "received") or ""

    @property
    def asks_rport(self) -> bool:
        """Whether the sender wants the response at the port it sent from (RFC 3581)."""
        return lookup(self.params, "rport") is not None

    @property
    def rport(self) -> int | None:
        """Port the request came from; None when not stamped."""
        return parse_number(lookup(self.params, "rport") or "", 65_535)

    @property
    def maddr(self) -> str:
        return lookup(self.params, "maddr") or ""

    @property
    def ttl(self) -> int | None:
        return parse_number(lookup(self.params, "ttl") or "", 255)

    def param(self, name: str) -> str | None:
        return lookup(self.params, name)

    def with_param(self, name: str, value: str | None) -> "Via":
        """The same hop with one parameter set, in its place when it was there."""
        if self.param(name) is None:
            return Via(self.transport, self.host, self.port, (*self.params, (name, value)), self.protocol)
        params = tuple((key, value) if key.lower() == name else (key, old) for key, old in self.params)
        return Via(self.transport, self.host, self.port, params, self.protocol)

    def without_param(self, name: str) -> "Via":
        return Via(self.transport, self.host, self.port, without(self.params, name), self.protocol)


def parse_via(text: str) -> Via | Fault:
    """Read one hop."""
    found = _VIA.match(text)
    if found is None:
        return Fault("Bad Via", "Via")
    name, version, transport, host, port = found.groups()
    number = None if port is None else int(port)
    params = parse_params(text, found.end())
    if isinstance(params, Fault) or (number is not None and not 0 < number < 65_536):
        return Fault("Bad Via", "Via")
    return Via(transport, host, number, params, f"{name}/{version}")


def parse_vias(text: str) -> tuple[Via, ...] | Fault:
    """Read one or more hops, topmost first."""
    entries = split_list(text)
    if isinstance(entries, Fault):
        return Fault(entries.reason, "Via")
    vias: list[Via] = []
    for entry in entries:
        via = parse_via(entry)
        if isinstance(via, Fault):
            return via
        vias.append(via)
    return tuple(vias)
