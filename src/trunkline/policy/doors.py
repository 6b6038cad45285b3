"""The doors a gateway is reached by (`local`), against those a node has: names of trunkline.toml, so a policy alone cannot tell."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from trunkline.policy.problem import Finding, Location

if TYPE_CHECKING:
    from trunkline.policy.document import Document

PURPOSE = "carriers"


class Door(Protocol):
    """As much of a `[[listen]]` as matters here."""

    @property
    def purpose(self) -> str: ...
    @property
    def transport(self) -> str: ...


def misfit(name: str, transport: str, doors: Mapping[str, Door]) -> tuple[str, str] | None:
    """Why a gateway of a transport cannot be reached by the door of that name, and the fix; None where it can."""
    door = doors.get(name)
    if door is not None and door.purpose == PURPOSE and door.transport == transport:
        return None
    fault = "no [[listen]] of this node bears that name" if door is None else f"that door is for {door.purpose} by {door.transport}"
    known = ", ".join(other for other, each in doors.items() if each.purpose == PURPOSE and each.transport == transport) or "none"
    return fault, f"doors for carriers by {transport} are: {known}; write one of them, or add it to trunkline.toml"


def check_doors(document: "Document", doors: Mapping[str, Door]) -> Iterator[Finding]:
    """A finding for each door that does not fit, once where many gateways have it from their carrier's defaults."""
    told: set[tuple[Location, str]] = set()
    for name, carrier in document.carriers.items():
        for point, gateway in carrier.gateways.items():
            whole = carrier.merged(point)
            place: Location = ("gateways", point) if "local" in gateway.model_fields_set else ("defaults",)
            for at, door in enumerate(whole.local):
                path: Location = ("carriers", name, *place, "local", at)
                wrong = misfit(door, whole.transport, doors)
                if wrong is not None and (path, whole.transport) not in told:
                    told.add((path, whole.transport))
                    yield Finding(path, f"door `{door}`: {wrong[0]}", wrong[1])


def names_doors(document: "Document") -> bool:
    """Whether any gateway does."""
    return any(section.local for carrier in document.carriers.values() for section in (carrier.defaults, *carrier.gateways.values()))
