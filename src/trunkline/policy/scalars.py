"""The single values a policy is written with: durations, limits, networks, hosts, names, secrets.

Each is parsed once, here, and what cannot be parsed says what to write instead. The Annotated types carry a `Kind`,
which is what the reference calls them.
"""

import re
from collections.abc import Sized
from ipaddress import ip_network
from math import isfinite
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct
from pydantic import AfterValidator, BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from trunkline.policy.host import join_host, split_host


class Kind(Struct, frozen=True, gc=False):
    """What the reference calls a type."""

    name: str


class NamesFile(Struct, frozen=True, gc=False):
    """Marks a type whose values are paths of files that belong to the policy's version."""


SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST_S = 86_400.0
"A day: nothing in signalling waits longer."
DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(ms|s|m|h)")


def reject(message: str, fix: str) -> PydanticCustomError:
    """The error of a value that cannot be used, with the fix `explain` hands on."""
    return PydanticCustomError("policy", "{message}", {"message": message, "fix": fix})


def parse_duration(written: object) -> float:
    """Seconds from `500ms`, `3s`, `30m`, `1h` or a number of seconds."""
    seconds = float("nan")
    if isinstance(written, str) and (match := DURATION.fullmatch(written.strip())):
        seconds = float(match[1]) * SECONDS[match[2]]
    elif isinstance(written, (int, float)) and not isinstance(written, bool) and abs(written) <= LONGEST_S:
        seconds = float(written)
    if not isfinite(seconds) or not 0 <= seconds <= LONGEST_S:
        raise reject("not a duration between 0 and 24h", "write it like `500ms`, `3s`, `30m` or `1h`, or as seconds")
    return seconds


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise reject("the duration must be longer than 0", "write it like `3s`")
    return seconds


def _whole_seconds(written: object) -> int:
    seconds = parse_duration(written)
    if seconds != int(seconds):
        raise reject("must be whole seconds", "write it like `90s` or `30m`")
    return int(seconds)


def _network(written: str) -> str:
    try:
        network = ip_network(written, strict=False)
    except ValueError:
        raise reject("not an address or network", "write it like `192.0.2.10` or `192.0.2.0/28`") from None
    if network.prefixlen == 0:
        raise reject("this network lets the whole Internet in", "leave addresses out and identify it by `auth`")
    if "/" in written and str(network.network_address) != written.split("/")[0].lower():
        address = written.split("/")[0]
        raise reject("the address has bits beyond its mask", f"write `{network}` for the network or `{address}` alone")
    return str(network)


def _host(text: str) -> str:
    try:
        return join_host(*split_host(text))
    except ValueError as error:
        raise reject(str(error), "write `host`, `host:port`, `192.0.2.1:5060` or `[2001:db8::1]:5060`") from None


def _secret(text: str) -> str:
    kind, _, name = text.partition(":")
    if kind not in ("env", "file") or not name:
        raise reject(
            "a secret is never written into the policy",
            "write `env:NAME` for an environment variable or `file:PATH` for a file that holds it",
        )
    return text


def parse_clock(written: object) -> int:
    """Minutes after midnight from `08:30`; `24:00` is the end of the day. YAML 1.1 reads an unquoted 08:30 as text and 10:30 as 630."""
    if isinstance(written, int) and not isinstance(written, bool) and 0 <= written <= 1440:
        return written
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", written) if isinstance(written, str) else None
    if match is None or int(match[2]) > 59 or int(match[1]) * 60 + int(match[2]) > 1440:
        raise reject("not a time of day", 'write it in quotes, from `"00:00"` to `"24:00"`')
    return int(match[1]) * 60 + int(match[2])


def parse_increments(written: object) -> tuple[int, int]:
    """Seconds billed at least, and step after that, from `60/60`, `30/6`, `6/6` or `1/1`."""
    match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", written) if isinstance(written, str) else None
    if match is None or not int(match[2]):
        raise reject("not billing increments", 'write first and next seconds, such as `"60/60"` or `"30/6"`')
    return int(match[1]), int(match[2])


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise reject(f"no time zone `{name}`", "write a name of the IANA database, such as `America/New_York`") from None
    return name


def off(written: object) -> object:
    """YAML 1.1 reads `off` as false."""
    return "off" if written is False else written


def _not_empty(entries: Sized) -> Sized:
    if not entries:
        raise reject("must not be empty", "write at least one")
    return entries


def _code(written: object) -> object:
    """YAML reads 404 as a number; nobody should have to quote it."""
    return str(written) if isinstance(written, int) and not isinstance(written, bool) else written


def _matching(pattern: str, message: str, fix: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise reject(message, fix)
        return text

    return AfterValidator(check)


YesNo = Annotated[bool, Strict(), Kind("`true` or `false`")]
Calls = Annotated[int, Strict(), Field(ge=0, le=1_000_000), Kind("calls at once; 0 is unlimited")]
Hourly = Annotated[int, Strict(), Field(ge=0, le=100_000), Kind("calls an hour")]
Rate = Annotated[
    float, Strict(), Field(ge=0, le=100_000, allow_inf_nan=False), Kind("calls per second; 0 is unlimited")
]
Percent = Annotated[float, Strict(), Field(ge=0, le=100, allow_inf_nan=False), Kind("percent")]
Money = Annotated[
    float, Strict(), Field(ge=0, le=100_000, allow_inf_nan=False), Kind("money, in the currency of all prices")
]
Memory = Annotated[int, Strict(), Field(ge=50, le=1_000_000), Kind("calls, 50 to 1000000")]
ClockTime = Annotated[int, BeforeValidator(parse_clock), Kind("time of day")]
Increments = Annotated[tuple[int, int], BeforeValidator(parse_increments), Kind("first/next seconds")]
Zone = Annotated[str, AfterValidator(_zone), Kind("IANA time zone")]
Count = Annotated[int, Strict(), Field(ge=1, le=50), Kind("number, 1 to 50")]
Weight = Annotated[int, Strict(), Field(ge=0, le=10_000), Kind("number, 0 to 10000")]
Dscp = Annotated[int, Strict(), Field(ge=0, le=63), Kind("number, 0 to 63")]
Length = Annotated[int, Strict(), Field(ge=1, le=15), Kind("digits, 1 to 15")]

Duration = Annotated[float, BeforeValidator(parse_duration), Kind("duration")]
Wait = Annotated[float, BeforeValidator(parse_duration), AfterValidator(_positive), Kind("duration over 0")]
WholeSeconds = Annotated[int, BeforeValidator(_whole_seconds), Kind("duration in whole seconds")]

NotEmpty = AfterValidator(_not_empty)
"For lists and mappings; judged only once every entry is right."

Network = Annotated[str, AfterValidator(_network), Kind("address or network")]
Host = Annotated[str, AfterValidator(_host), Kind("host or host:port")]
Secret = Annotated[str, AfterValidator(_secret), Kind("`env:NAME` or `file:PATH`")]

Name = Annotated[
    str,
    _matching(
        r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}",
        "not a usable name",
        "write 1 to 64 letters, digits, `.`, `_` or `-`, a letter or digit first",
    ),
    Kind("name"),
]
RouteName = Annotated[
    str,
    _matching(
        r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(/[A-Za-z0-9][A-Za-z0-9_.-]{0,63})?",
        "not the name of a route",
        "write `carrier` or `carrier/gateway`",
    ),
    Kind("`carrier` or `carrier/gateway`"),
]
NotBlank = Annotated[
    str,
    _matching(r"[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*", "not a name", "write it as it is told, in quotes where it is digits"),
    Kind("text"),
]
FileName = Annotated[
    str,
    _matching(
        r"[A-Za-z0-9_.][A-Za-z0-9_. /-]{0,254}(?<!/)",
        "not a file to name here",
        "write a path below the policy's folder of letters, digits, `_`, `.`, `-` and `/`",
    ),
    _matching(r"(?!.*\.\.).*", "the path leaves the policy's folder", "put the file beside the policy"),
    NamesFile(),
    Kind("path of a file, relative to the policy"),
]
"A file that is part of the policy: it is read with it, and kept with its version."
Text = Annotated[
    str,
    _matching(
        r'[^\x00-\x1f\x7f"<>\\]{0,255}', "not plain text", 'write up to 255 characters without `"<>\\` and controls'
    ),
    Kind("text"),
]
SoundFile = Annotated[Text, NamesFile(), Kind("path of a WAV file")]
Digits = Annotated[str, _matching(r"[0-9]{0,15}", "not digits", "write only digits, in quotes"), Kind("digits")]
DialCode = Annotated[
    str, _matching(r"[0-9*#+]{0,32}", "not a dial code", "write only `0-9 * # +`, in quotes"), Kind("digits, * and #")
]
DialString = Annotated[
    str, _matching(r"[0-9*#]{1,15}", "not a number to dial", "write only `0-9 * #`, in quotes"), Kind("dialled number")
]
Prefix = Annotated[
    str,
    AfterValidator(lambda text: text.removeprefix("+")),
    _matching(
        r"([1-9][0-9]{0,14})?",
        "not a prefix of E.164 numbers",
        'write a country code and what follows it, such as `"1415"`; `""` covers everything',
    ),
    Kind("digits of E.164"),
]
DidNumber = Annotated[
    str,
    _matching(
        r"\+[1-9][0-9]{0,14}\*?",
        "not an inbound number",
        'write E.164 in quotes, such as `"+14155550100"`, or a prefix and a star, such as `"+1415555*"`',
    ),
    Kind("E.164 number, or prefix and *"),
]
Codec = Annotated[
    str,
    _matching(r"[A-Za-z0-9][A-Za-z0-9.-]{0,31}", "not a codec name", "write its RTP name, such as `PCMU` or `opus`"),
    Kind("codec"),
]
HeaderName = Annotated[
    str,
    _matching(r"([A-Za-z0-9.!%*_+`'~-]{1,64})?", "not a header name", "write one such as `X-Trunkline-Call`"),
    Kind("header name"),
]
Aor = Annotated[
    str,
    _matching(
        r"sips?:[A-Za-z0-9_.!~*'()&=+$,;?/%-]+@(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?",
        "not an address of record",
        'write `"sip:user@domain"`',
    ),
    Kind("SIP URI"),
]
MetadataSource = Annotated[
    str,
    _matching(
        r"header:[A-Za-z0-9.!%*_+`'~-]+|param:[A-Za-z0-9.!%*_+`'~-]+|user|from|=[^\x00-\x1f\x7f]{0,255}",
        "not a place to read from",
        "write `header:NAME`, `param:NAME`, `user`, `from` or a literal `=value`",
    ),
    Kind("source"),
]
Code = Annotated[
    str,
    BeforeValidator(_code),
    _matching(
        r"[3-6][0-9]{2}(/[1-9][0-9]{0,2})?",
        "not a response code",
        "write a SIP status such as `404`, or status and Q.850 cause such as `404/1`",
    ),
    Kind("status or status/cause"),
]
