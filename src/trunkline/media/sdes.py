"""SRTP keys in session descriptions: a=crypto (RFC 4568, RFC 7714 section 14 for GCM).

A line that asks for what we do not do (another suite, a master key identifier, an unencrypted stream) reads into a fault, and the choice
passes on to the next line, as RFC 4568 section 5.1.2 wants.
"""

import binascii
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable

from msgspec import Struct

from trunkline.media.rtp import Malformed


class Suite(Struct, frozen=True, gc=False):
    """A crypto suite."""

    name: str
    "As in SDP."
    key_size: int
    "Of master key and master salt together, in bytes."
    tag_size: int
    "Authentication tag of an RTP packet, in bytes."


AES_CM_80 = Suite("AES_CM_128_HMAC_SHA1_80", 30, 10)
AES_CM_32 = Suite("AES_CM_128_HMAC_SHA1_32", 30, 4)
AEAD_128 = Suite("AEAD_AES_128_GCM", 28, 16)
AEAD_256 = Suite("AEAD_AES_256_GCM", 44, 16)
SUITES = {suite.name: suite for suite in (AES_CM_80, AES_CM_32, AEAD_128, AEAD_256)}
OFFERED = (AES_CM_80, AEAD_256, AEAD_128, AES_CM_32)
"What we offer, most preferred first: the suite every implementation must have leads, since many answer only what comes first."

_LINE = re.compile(r"([0-9]{1,9})[ \t]+([A-Za-z0-9_]{1,64})[ \t]+(\S+)((?:[ \t]+\S+)*)[ \t]*\Z")
_KEY = re.compile(r"inline:([A-Za-z0-9+/]{1,128}={0,2})(?:\|(2\^[0-9]{1,2}|[0-9]{1,15}))?(\|[0-9]{1,20}:[0-9]{1,3})?\Z")


class Crypto(Struct, frozen=True, gc=False):
    """One a=crypto line."""

    tag: int
    "Names the line; an answer repeats the tag of the line it takes."
    suite: str
    "A name of `SUITES`."
    key: bytes
    "Master key, then master salt."

    def encode(self) -> str:
        """The value of the attribute."""
        return f"{self.tag} {self.suite} inline:{b64encode(self.key).decode()}"

    def __repr__(self) -> str:
        # Keys stay out of logs and test reports.
        return f"Crypto(tag={self.tag}, suite={self.suite!r}, key=<{len(self.key)} bytes>)"


def parse_crypto(value: str) -> Crypto | Malformed:
    """Read the value of one a=crypto attribute."""
    found = _LINE.match(value)
    if found is None:
        return Malformed("not a crypto line")
    suite = SUITES.get(found[2].upper())
    if suite is None:
        return Malformed("crypto suite not supported")
    for parameter in found[4].split():
        # Only a hint about the window, or what is marked as optional, may be passed over (RFC 4568 section 6.3.7).
        if not parameter.startswith(("-", "WSH=")):
            return Malformed("session parameter not supported")
    key = _KEY.match(found[3])
    if key is None:
        return Malformed("not a single inline key")
    if key[3]:
        return Malformed("master key identifier not supported")
    text = key[1].rstrip("=")
    try:
        material = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return Malformed("key is not base64")
    if len(material) != suite.key_size:
        return Malformed("key of the wrong length for its suite")
    return Crypto(int(found[1]), suite.name, material)


def offer_crypto(suites: Iterable[Suite] = OFFERED, entropy: Callable[[int], bytes] = secrets.token_bytes) -> tuple[Crypto, ...]:
    """A line for each suite with a key of its own, tagged from 1."""
    return tuple(Crypto(tag, suite.name, entropy(suite.key_size)) for tag, suite in enumerate(suites, 1))


def choose_crypto(offered: Iterable[str], suites: Iterable[Suite] = OFFERED) -> Crypto | None:
    """The first line offered that can be read and whose suite is among `suites`; None when there is none."""
    names = {suite.name for suite in suites}
    for value in offered:
        crypto = parse_crypto(value)
        if isinstance(crypto, Crypto) and crypto.suite in names:
            return crypto
    return None


def answer_crypto(chosen: Crypto, entropy: Callable[[int], bytes] = secrets.token_bytes) -> Crypto:
    """Our line in answer to the one chosen: same tag and suite, our own key."""
    return Crypto(chosen.tag, chosen.suite, entropy(len(chosen.key)))


def answered_crypto(ours: Iterable[Crypto], answer: Iterable[str]) -> tuple[Crypto, Crypto] | None:
    """Our line and the far end's, from the answer to our offer; None when the answer takes none of ours, or several."""
    read = [parse_crypto(value) for value in answer]
    if len(read) != 1 or not isinstance(theirs := read[0], Crypto):
        return None
    return next(((own, theirs) for own in ours if (own.tag, own.suite) == (theirs.tag, theirs.suite)), None)
