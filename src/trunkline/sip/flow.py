"""Where bytes go: doors and flows.

A door is one local socket address with a purpose (trunks, carriers, registrations); a flow is a door and a far address. For TCP, TLS
and WebSocket the flow names a connection: the I/O layer finds it by far address, or opens it.
"""

from collections.abc import Callable
from typing import TypeAlias

Address: TypeAlias = tuple[str, int]
"Numeric IP and port."


def _closed(data: bytes, to: Address) -> None:
    raise RuntimeError("this door has not been opened: pass it to sip.asyncio first")


class Door:
    """One local socket."""

    __slots__ = ("contact", "host", "local", "media", "name", "port", "purpose", "reliable", "send", "sent_by", "transport", "via")

    def __init__(
        self, name: str, transport: str, host: str, port: int, advertised: str = "", local: str = "", purpose: str = "", media: str = ""
    ) -> None:
        """`host` and `port` are what peers are told, unless `advertised` (host or host:port) says otherwise.

        `purpose` is trunks, carriers or registrations; empty takes the first word of `name`. `media` names the media interface of calls to
        carriers by this door; empty leaves it to policy.
        """
        self.name = name
        self.purpose = purpose or name.partition("-")[0]
        self.media = media
        self.transport = transport
        self.host = host
        self.port = port
        self.local = local or host
        "Address it is bound to."
        self.reliable = transport != "udp"
        shown = f"[{host}]" if ":" in host else host
        self.sent_by = advertised if advertised and _has_port(advertised) else f"{advertised or shown}:{port}"
        self.contact = f"sip:{self.sent_by}" + ("" if transport == "udp" else f";transport={transport}")
        "URI peers reach us by through this door."
        self.via = f"SIP/2.0/{transport.upper()} {self.sent_by}"
        "How a Via of ours begins."
        self.send: Callable[[bytes, Address], None] = _closed
        "Set by the I/O layer."

    @property
    def bound(self) -> str:
        """Where it is bound, as host:port; IPv6 in brackets."""
        return f"[{self.local}]:{self.port}" if ":" in self.local else f"{self.local}:{self.port}"

    def __repr__(self) -> str:
        return f"<Door {self.name} {self.transport} {self.sent_by}>"


def _has_port(advertised: str) -> bool:
    return advertised.rpartition(":")[2].isdecimal() and not advertised.endswith("]") and (advertised.count(":") == 1 or "]:" in advertised)


class Flow:
    """A way to a far end; two that lead the same way are equal."""

    __slots__ = ("_shown", "address", "door")

    def __init__(self, door: Door, address: Address) -> None:
        self.door = door
        self.address = address
        self._shown = ""

    def __str__(self) -> str:
        """The far end as host:port; IPv6 in brackets."""
        if not self._shown:
            host, port = self.address
            self._shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return self._shown

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Flow) and self.door is other.door and self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)

    def __repr__(self) -> str:
        return f"<Flow {self.door.name} {self}>"
