"""What dips are asked in, and what their replies say: ENUM records (RFC 6116, RFC 4769, RFC 4694) and JSON.

A reply comes from outside, so it is read with suspicion: anything it does not say plainly it does not say.
"""

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct

from trunkline.numbering.dip import Answer, Dip
from trunkline.numbering.reading import is_e164
from trunkline.numbering.world import TYPES, code_length

LONGEST_PATTERN = 128
REPEATS = re.compile(r"\)[*+{]|(?:[^*+?{]*[*+?{]){7}", re.DOTALL)
"A repeated group, or more than six repeats: either can take minutes, no numbering record needs them. Looked for once escaped characters are out."

OPERATOR_PARAMETERS = ("spn", "spid", "ocn", "cic")
"Of a tel URI: who serves the number. cic is RFC 4694, the others are what databases send."

COMMON_TYPES = {
    "mobile": "mobile", "wireless": "mobile", "cellular": "mobile", "cell": "mobile", "landline": "fixed", "fixed": "fixed", "fixed line": "fixed",
    "fixedline": "fixed", "wireline": "fixed", "voip": "voip", "nonfixedvoip": "voip", "fixedvoip": "voip", "toll_free": "toll_free", "tollfree": "toll_free",
    "toll-free": "toll_free", "premium": "premium", "premium_rate": "premium", "pager": "pager",
}  # fmt: skip
"Words databases use; a dip's own `types` come first."


class Naptr(Struct, frozen=True, gc=False):
    """A NAPTR record (RFC 3403 section 4.1)."""

    order: int
    preference: int
    flags: str
    service: str
    regexp: str
    replacement: str = ""


class ReplyError(ValueError):
    """The database answered something that is no answer."""


def enum_name(number: str, domain: str) -> str:
    """The name a number in E.164 with + has in ENUM (RFC 6116 section 3.2), without the last dot."""
    return ".".join(reversed(number[1:])) + "." + domain.strip(".")


def enum_answer(dip: Dip, records: Sequence[Naptr], number: str) -> Answer | None:
    """The answer in the first terminal record that leads to a tel or sip URI; None when there is none."""
    for record in sorted(records, key=lambda record: (record.order, record.preference)):
        service = record.service.lower()
        if record.flags.lower() != "u" or not service.startswith("e2u+"):
            continue
        uri = substituted(record.regexp, number)
        scheme, _, rest = (uri or "").partition(":")
        if scheme.lower() in ("tel", "sip", "sips"):
            return _of_uri(dip, rest.partition("@")[0], number)
    return None


def substituted(regexp: str, number: str) -> str | None:
    """The result of a NAPTR's substitution expression (RFC 3402 section 3.2) on a number; None when it does not apply."""
    if len(regexp) < 3 or len(regexp) > 4 * LONGEST_PATTERN:
        return None
    parts = re.split(rf"(?<!\\){re.escape(regexp[0])}", regexp[1:])
    if len(parts) != 3 or len(parts[0]) > LONGEST_PATTERN or REPEATS.search(re.sub(r"\\.", "", parts[0])):
        return None
    try:
        found = re.search(parts[0], number, re.IGNORECASE if "i" in parts[2].lower() else 0)
        if found is None:
            return None
        return re.sub(r"\\([1-9])", lambda reference: found[int(reference[1])] or "", parts[1])
    except (re.error, IndexError, OverflowError):
        return None


def _of_uri(dip: Dip, user: str, number: str) -> Answer:
    """The parameters of a telephone-subscriber (RFC 3966, RFC 4694)."""
    _, *written = user.split(";")
    parameters = {name.lower(): unquote(value) for name, _, value in (part.partition("=") for part in written)}
    operator = next((parameters[name] for name in OPERATOR_PARAMETERS if parameters.get(name)), "")
    routing, context = parameters.get("rn", ""), parameters.get("rn-context", "")
    plain = re.sub(r"[-.() ]", "", routing)
    if plain and not plain.startswith("+"):
        if not plain.isdigit() or not plain.isascii():  # some countries number operators, not exchanges: `D012`
            return Answer("", operator or plain, _type(dip, parameters.get("type", "")), dip.name)
        plain = (context if context.startswith("+") else number[: 1 + code_length(number[1:])]) + plain
    return Answer(plain if is_e164(plain) else "", operator, _type(dip, parameters.get("type", "")), dip.name)


def url_of(dip: Dip, number: str) -> str:
    """Where to GET what is known of a number in E.164 with +."""
    digits = number[1:]
    parts = {"{number}": digits, "{e164}": quote(number, safe=""), "{national}": digits[code_length(digits) :]}
    return re.sub(r"\{(?:number|e164|national)\}", lambda found: parts[found[0]], dip.url)


def json_answer(dip: Dip, body: bytes, number: str) -> Answer:
    """The answer in a JSON document, read where `dip.fields` says. Raises `ReplyError` when it is no JSON."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReplyError(f"{dip.name}: not JSON") from error
    values = {ours: _text(_at(document, path)) for ours, path in dip.fields}
    routing = re.sub(r"[^0-9]", "", values.get("routing_number", ""))
    code = number[1 : 1 + code_length(number[1:])]
    if routing and not values["routing_number"].startswith("+") and not (routing.startswith(code) and len(routing) >= len(number) - 1):
        routing = code + routing  # databases of one country write numbers without its code
    return Answer(f"+{routing}" if is_e164(f"+{routing}") else "", values.get("operator", ""), _type(dip, values.get("type", "")), dip.name)


def _at(document: object, path: str) -> object:
    """The value at a path of keys and list positions, joined by dots; None where there is none."""
    for part in path.split("."):
        if isinstance(document, dict):
            document = document.get(part)
        elif isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return document


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()[:64]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _type(dip: Dip, word: str) -> str:
    plain = word.strip().lower()
    own = dict(dip.types)
    found = own.get(plain) or COMMON_TYPES.get(plain) or plain
    return found if found in TYPES and found != "unknown" else ""
