"""Privacy: what the caller wants hidden (RFC 3323 section 4.2, RFC 3325 `id`, RFC 7044 `history`)."""

from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.headers.grammar import LIST_LIMIT, is_token


class Privacy(Struct, frozen=True, gc=False):
    """Privacy values in order, lower case."""

    values: tuple[str, ...]

    def __str__(self) -> str:
        return ";".join(self.values)

    @property
    def hides_identity(self) -> bool:
        """Whether the network-asserted identity may not leave the trust domain."""
        return "id" in self.values

    @property
    def hides_user(self) -> bool:
        """Whether the caller's own name and number may not be shown."""
        return "user" in self.values or "id" in self.values

    @property
    def is_critical(self) -> bool:
        """Whether the request fails rather than go out without the privacy asked for."""
        return "critical" in self.values


def parse_privacy(text: str) -> Privacy | Fault:
    """Read Privacy; commas, which the grammar does not have, separate like semicolons."""
    values = tuple(value.strip(" \t").lower() for value in text.replace(",", ";").split(";", LIST_LIMIT))
    return Privacy(values) if all(is_token(value) for value in values) else Fault("Bad Privacy", "Privacy")
