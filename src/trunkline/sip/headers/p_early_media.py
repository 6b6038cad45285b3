"""P-Early-Media: whether audio may be heard before the answer (RFC 5009 section 8), one direction per media line, as the sender sees it."""

from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.headers.tokens import parse_tokens

DIRECTIONS = frozenset(("sendrecv", "sendonly", "recvonly", "inactive"))
AUDIBLE = frozenset(("sendrecv", "sendonly"))
"Of a response: what the callee's side plays may be heard."


class PEarlyMedia(Struct, frozen=True, gc=False):
    """What is authorised."""

    directions: tuple[str, ...] = ()
    "By media line; the last holds for those after it as well."
    supported: bool = False
    "Of an INVITE: its sender heeds the header."

    def __str__(self) -> str:
        return ", ".join((*self.directions, *(("supported",) if self.supported else ())))

    @property
    def audio(self) -> str:
        """Direction of the first media line; empty where nothing is said of it."""
        return self.directions[0] if self.directions else ""


def parse_p_early_media(text: str) -> PEarlyMedia | Fault:
    """Read P-Early-Media; `gated` and words not known say nothing here."""
    words = parse_tokens(text.lower())
    if isinstance(words, Fault):
        return Fault("Bad P-Early-Media", "P-Early-Media")
    return PEarlyMedia(tuple(word for word in words if word in DIRECTIONS), "supported" in words)
