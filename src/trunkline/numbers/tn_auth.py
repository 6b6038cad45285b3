"""TNAuthList: for which numbers a certificate speaks (RFC 8226 section 9).

    TNAuthorizationList ::= SEQUENCE SIZE (1..MAX) OF TNEntry
    TNEntry ::= CHOICE { spc [0] IA5String, range [1] SEQUENCE { start IA5String, count INTEGER }, one [2] IA5String }   -- explicit tags

The few DER elements it needs are read and written here; no ASN.1 library is worth its weight for five tags.
"""

from cryptography import x509
from msgspec import Struct

OID = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.26")

_SEQUENCE, _IA5, _INTEGER = 0x30, 0x16, 0x02
_SPC, _RANGE, _ONE = 0xA0, 0xA1, 0xA2


class TnAuth(Struct, frozen=True, gc=False):
    """What a TNAuthList lists."""

    codes: tuple[str, ...] = ()
    "Service provider codes: all numbers of those providers, which only a registry can tell apart."
    ranges: tuple[tuple[str, int], ...] = ()
    "First number (digits) and how many."
    ones: tuple[str, ...] = ()
    "Single numbers (digits)."

    def covers(self, digits: str) -> bool:
        """Whether it may speak for a number; a provider code speaks for any."""
        if self.codes or digits in self.ones:
            return True
        return digits.isdigit() and any(len(first) == len(digits) and 0 <= int(digits) - int(first) < count for first, count in self.ranges)


def read_tn_auth(certificate: x509.Certificate) -> TnAuth | None:
    """The certificate's list, None when it has none; raises ValueError when it cannot be read."""
    try:
        extension = certificate.extensions.get_extension_for_oid(OID).value
    except x509.ExtensionNotFound:
        return None
    if not isinstance(extension, x509.UnrecognizedExtension):
        raise ValueError("TNAuthList cannot be read")
    return parse(extension.value)


def parse(der: bytes) -> TnAuth:
    """Read a DER TNAuthList; raises ValueError."""
    tag, body, rest = _element(der)
    if tag != _SEQUENCE or rest or not body:
        raise ValueError("not a TNAuthList")
    codes: list[str] = []
    ranges: list[tuple[str, int]] = []
    ones: list[str] = []
    while body:
        tag, entry, body = _element(body)
        if tag == _SPC:
            codes.append(_text(entry))
        elif tag == _ONE:
            ones.append(_text(entry))
        elif tag == _RANGE:
            inner, value, after = _element(entry)
            if inner != _SEQUENCE or after:
                raise ValueError("not a number range")
            kind, start, count = _element(value)
            if kind != _IA5:
                raise ValueError("not a number range")
            kind, number, after = _element(count)
            first = start.decode("ascii")
            if kind != _INTEGER or after or not first.isdigit():
                raise ValueError("not a number range")
            ranges.append((first, int.from_bytes(number, "big", signed=True)))
        else:
            raise ValueError("not a TNEntry")
    return TnAuth(tuple(codes), tuple(ranges), tuple(ones))


def render(listed: TnAuth) -> bytes:
    """DER of a list."""
    entries = [_wrap(_SPC, _wrap(_IA5, code.encode("ascii"))) for code in listed.codes]
    for first, count in listed.ranges:
        size = count.bit_length() // 8 + 1
        entries.append(_wrap(_RANGE, _wrap(_SEQUENCE, _wrap(_IA5, first.encode("ascii")) + _wrap(_INTEGER, count.to_bytes(size, "big")))))
    entries += [_wrap(_ONE, _wrap(_IA5, one.encode("ascii"))) for one in listed.ones]
    return _wrap(_SEQUENCE, b"".join(entries))


def _text(entry: bytes) -> str:
    tag, value, rest = _element(entry)
    if tag != _IA5 or rest:
        raise ValueError("not an IA5String")
    return value.decode("ascii")


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content and what follows."""
    if len(data) < 2:
        raise ValueError("DER ends early")
    tag, length, start = data[0], data[1], 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 3 or len(data) < 2 + size:
            raise ValueError("not a DER length")
        length, start = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
    if len(data) < start + length:
        raise ValueError("DER ends early")
    return tag, data[start : start + length], data[start + length :]


def _wrap(tag: int, body: bytes) -> bytes:
    if len(body) < 0x80:
        return bytes((tag, len(body))) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + len(body).to_bytes(size, "big") + body
