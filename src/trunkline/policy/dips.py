"""The policy's section `dips`: which databases say who serves a number, and how long a call waits for them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from trunkline.numbering import dip as numbering
from trunkline.policy.problem import Finding
from trunkline.policy.scalars import Duration, HeaderName, Host, Kind, NotEmpty, Prefix, Secret, Text, Wait, reject
from trunkline.policy.section import Section, key

if TYPE_CHECKING:
    from trunkline.policy.document import Document

NumberType = Literal["fixed", "mobile", "fixed_or_mobile", "toll_free", "premium", "shared_cost", "voip", "personal", "pager", "uan", "voicemail"]


def _url(written: str) -> str:
    try:
        parts = urlsplit(written)
        good = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        good = False
    if not good or not any(word in written for word in ("{number}", "{e164}", "{national}")):
        raise reject("no URL to ask for a number", "write one such as `https://lnp.example/v1/{number}`; `{e164}` has the +, `{national}` no country")
    if parts.username or parts.password:
        raise reject("a password stands in the URL", "write it as a header, with its value in `env:NAME` or `file:PATH`")
    return written


Url = Annotated[str, AfterValidator(_url), Kind("URL with `{number}`, `{e164}` or `{national}`")]
AtOnce = Annotated[int, Strict(), Field(ge=1, le=1000), Kind("number, 1 to 1000")]


def _country(written: object) -> str:
    """YAML 1.1 reads NO, Norway, as false."""
    code = "NO" if written is False else written
    if not isinstance(code, str) or not (code == "001" or (len(code) == 2 and code.isascii() and code.isalpha())):
        raise reject("not a country", "write its ISO 3166 code of two letters, such as `US`")
    return code.upper()


Country = Annotated[str, BeforeValidator(_country), Kind("ISO 3166 code")]


class Fields(Section):
    """Where the reply's JSON says it: keys and list positions joined by dots."""

    routing_number: Text = key("", example="data.lrn")
    "The number to route and rate by."
    operator: Text = key("", example="data.carrier.name")
    "Who serves the number."
    type: Text = key("", example="data.line_type")
    "What kind of number it is."


class Dip(Section):
    """A database of ported numbers, asked while the call waits; `enum` or `url` says how."""

    prefixes: Annotated[tuple[Prefix, ...], NotEmpty] = key(("",), example='["1"]')
    "Called numbers it is asked about; the longest prefix of all dips decides which one."
    enum: Host = key("", example="lnp.example")
    "Asked by DNS: the domain numbers stand under (RFC 6116)."
    url: Url = key("", example='"https://lnp.example/v1/{number}"')
    "Asked by HTTP: what to GET."
    headers: dict[HeaderName, Secret] = key({}, example='{Authorization: "env:LNP_TOKEN"}')
    "Headers of the GET."
    fields: Fields = key(Fields(), example="{routing_number: data.lrn, operator: data.spid}")
    "What of the reply is used."
    types: dict[Text, NumberType] = key({}, example="{W: mobile, L: fixed}")
    "Its words for number types; the usual ones are known."
    deadline: Wait = key(0.3, example="250ms")
    "How long a call waits; at most 2s."
    ttl: Wait = key(86_400.0, example="12h")
    "How long an answer is good; a DNS record says for itself, up to this."
    negative_ttl: Duration = key(3600.0, example="10m")
    "How long it is believed that it does not know a number."
    silence: Literal["route", "refuse"] = key("route", example="refuse")
    "What becomes of a call it says nothing about in time: routed as not ported, or refused."
    at_once: AtOnce = key(64, example="200")
    "Questions under way at most; calls beyond that do not wait."


LONGEST_WAIT_S = 2.0
FEWEST_FIELDS = "add `fields: {routing_number: ...}` with the place of it in the reply"


def check_dips(document: "Document") -> Iterator[Finding]:
    """What no single key can know."""
    owner: dict[str, str] = {}
    for name, dip in document.dips.items():
        path = ("dips", name)
        if bool(dip.enum) == bool(dip.url):
            yield Finding(path, "a dip asks by `enum` or by `url`", "write one of the two", at_key=True)
        if dip.url and dip.fields == Fields():
            yield Finding(path, "nothing of the reply is used", FEWEST_FIELDS, at_key=True)
        if dip.deadline > LONGEST_WAIT_S:
            yield Finding((*path, "deadline"), "callers hear nothing while a dip is waited for", f"write at most {LONGEST_WAIT_S:g}s")
        for at, prefix in enumerate(dip.prefixes):
            other = owner.setdefault(prefix, name)
            if other != name:
                yield Finding((*path, "prefixes", at), f'dip `{other}` is asked about "{prefix}" too', "keep it in one place")


def dips_of(document: "Document", secrets: Mapping[str, str]) -> tuple[numbering.Dip, ...]:
    """As calls use them."""
    return tuple(
        numbering.Dip(
            name=name, prefixes=dip.prefixes, enum=dip.enum, url=dip.url,
            headers=tuple((header, secrets[reference]) for header, reference in dip.headers.items()),
            fields=tuple((ours, path) for ours, path in dip.fields.model_dump().items() if path),
            types=tuple((theirs.strip().lower(), ours) for theirs, ours in dip.types.items()),
            deadline_s=dip.deadline, ttl_s=dip.ttl, negative_ttl_s=dip.negative_ttl, silence=dip.silence, at_once=dip.at_once,
        )
        for name, dip in document.dips.items()
    )  # fmt: skip
