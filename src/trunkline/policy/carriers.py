"""Carriers and gateways: the far side of the policy."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from trunkline.policy.audio import Audio
from trunkline.policy.rates import RatesOrFile
from trunkline.policy.scalars import (
    Aor,
    Calls,
    Code,
    Codec,
    DialCode,
    Digits,
    Duration,
    Host,
    Name,
    Network,
    NotEmpty,
    Rate,
    Text,
    Wait,
    Weight,
    WholeSeconds,
    YesNo,
    off,
)
from trunkline.policy.section import Section, key
from trunkline.policy.trunks import Auth

NumberStyle = Literal["plus", "e164", "national", "international"]


class Called(Section):
    """How the carrier wants the called number."""

    style: NumberStyle = key("plus", example="e164")
    """plus is +14155550123, e164 is 14155550123, international is prefix and e164, national is trunk prefix and
    national number within `country_code` and e164 elsewhere."""
    country_code: Digits = key("", example='"1"')
    "The country whose numbers `national` writes nationally."
    trunk_prefix: Digits = key("", example='"0"')
    "Put before national numbers."
    international_prefix: Digits = key("00", example='"011"')
    "Put before the country code by `international`."
    tech_prefix: DialCode = key("", example='"7788#"')
    "Put before everything, in the Request-URI."
    tech_prefix_in_to: YesNo = key(False, example="true")
    "The tech prefix goes into To as well."
    phone_param: YesNo = key(False, example="true")
    "Adds `;user=phone`."


class Caller(Section):
    """How the carrier wants the caller ID."""

    style: NumberStyle = key("plus", example="e164")
    "As for the called number."
    country_code: Digits = key("", example='"1"')
    "The country whose numbers `national` writes nationally."
    trunk_prefix: Digits = key("", example='"0"')
    "Put before national numbers."
    international_prefix: Digits = key("00", example='"011"')
    "Put before the country code by `international`."
    header: Literal["from", "pai", "rpid", "diversion"] = key("from", example="pai")
    """Where the number goes besides From: from (nowhere), pai (P-Asserted-Identity), rpid (Remote-Party-ID) or
    diversion."""
    anonymous_from: YesNo = key(False, example="true")
    "From is anonymous and the number travels in `header` only."


class Timers(Section):
    """How long an attempt may take before the next route is tried."""

    no_response: Wait = key(3.0, example="2500ms")
    "To the first response of any kind."
    no_progress: Wait = key(12.0, example="10s")
    "To the first 18x."
    no_answer: Wait = key(120.0, example="90s")
    "From the first 18x to the answer."


class Registration(Section):
    """An outbound REGISTER kept alive at the carrier."""

    aor: Aor = key(example='"sip:acme@beta.example"')
    "Address of record."
    expires: Annotated[WholeSeconds, Field(ge=60)] = key(3600, example="30m")
    "Lifetime asked for; at least 60s."
    contact_user: Text = key("", example="acme")
    "User part of Contact; empty takes that of `aor`."


class GatewayDefaults(Section):
    """Keys a carrier's gateways share; what a gateway writes itself wins, key by key."""

    transport: Literal["udp", "tcp", "tls"] = key("udp", example="tcp")
    "Transport to the gateway."
    local: tuple[Name, ...] = key((), example="[isp-1, isp-2]")
    """Names of the `[[listen]]` doors to reach it by, in order of preference: the next is taken while one gets no answer. Empty is the node's
    first door for carriers."""
    large_requests: Literal["udp", "udp_then_tcp", "tcp", "tls"] = key("udp", example="udp_then_tcp")
    """UDP requests over 1,300 bytes: udp (sent fragmented, warned of once), udp_then_tcp (TCP, back to UDP when
    refused), tcp or tls."""
    weight: Weight = key(1, example="3")
    "Share among the carrier's gateways; 0 is standby."
    auth: Auth | None = key(None, example='{user: acme, password: "file:beta.secret"}')
    "Our digest user at the carrier."
    registration: Registration | None = key(None, example='{aor: "sip:acme@beta.example", expires: 30m}')
    "Registers us at the carrier; losing it is an alarm."
    media: Audio = key(Audio(), example="{networks: [198.51.100.0/24]}")
    "Its audio, where Trunkline carries it."
    codecs: tuple[Codec, ...] = key((), example="[PCMU, PCMA]")
    "Codecs in order of preference; empty passes everything."
    called: Called = key(Called(), example='{style: e164, tech_prefix: "7788#"}')
    "How the called number is written."
    caller: Caller = key(Caller(), example="{style: plus, header: pai}")
    "How the caller ID is written."
    timers: Timers = key(Timers(), example="{no_response: 3s, no_progress: 12s}")
    "How long an attempt may take."
    channels: Calls = key(0, example="100")
    "Concurrent calls."
    cps: Rate = key(0.0, example="20")
    "Calls started per second."
    options: Duration = key(30.0, example="60s")
    "Time between OPTIONS probes; 0 switches probing off."
    identity: YesNo = key(True, example="false")
    "Its calls carry an Identity header where the tenant signs (RFC 8224); a signed INVITE is longer than one UDP packet."
    early_media: Literal["trunk", "ring", "hold"] = key("trunk", example="hold")
    "What may be heard of it before the answer: what the trunk's `early_media` says, or less."
    redirect: YesNo = key(False, example="true")
    "A declared redirect server: contacts of its 3xx are followed."
    rel100: Annotated[Literal["supported", "required", "off"], BeforeValidator(off)] = key("supported", example="off")
    "Reliable provisional responses (RFC 3262)."
    session_expires: WholeSeconds = key(1800, example="30m")
    "Session timer asked of the carrier (RFC 4028); 0 switches it off."
    overrides: dict[Code, Literal["route", "callee", "ours", "caller"]] = key({}, example="{404: route, 404/1: callee}")
    """What its codes mean where they differ from the outcome table: whose fault a SIP status, or a status with a Q.850
    cause, is. Only `route` tries the next route."""
    from_domain: Host = key("", example="sip.acme.example")
    "Host in From; empty is our own address."
    addresses: tuple[Network, ...] = key((), example="[198.51.100.0/28]")
    "Where its inbound calls come from."
    verify_tls: YesNo = key(True, example="false")
    "Its certificate must be valid for `host`; false encrypts to whoever answers."


class Gateway(GatewayDefaults):
    """One point of presence of a carrier."""

    host: Host = key(example="sip.alpha.example")
    "Name or address; a port skips the SRV look-up (RFC 3263)."


class Carrier(Section):
    """A company that carries calls, reached through one or more gateways."""

    channels: Calls = key(0, example="400")
    "Concurrent calls over all its gateways."
    cps: Rate = key(0.0, example="50")
    "Calls started per second over all its gateways."
    guaranteed: dict[Name, Calls] = key({}, example="{acme: 100}")
    "Channels of it that are kept for a tenant; the rest are for whoever comes."
    gateways: Annotated[dict[Name, Gateway], NotEmpty] = key(example="{ny: {host: sip.alpha.example}}")
    "Its points of presence by name; a route names one as `carrier/gateway`."
    rates: RatesOrFile = key(None, example="decks/alpha.csv")
    "Its rate deck, or the name of its only file; the `rate` of a route is for numbers the deck does not have."
    defaults: GatewayDefaults = key(GatewayDefaults(), example="{codecs: [PCMU], timers: {no_answer: 60s}}")
    "Any gateway key but `host`, for all its gateways."

    def merged(self, name: str) -> Gateway:
        """A gateway with what it does not write itself taken from `defaults`."""
        own = self.gateways[name]
        return Gateway.model_construct(**_over(self.defaults, own))


def _over(defaults: Section, own: Section) -> dict[str, Any]:
    """The keys of `own` over those of `defaults`, sections key by key."""
    keys: dict[str, Any] = {name: getattr(own, name) for name in type(own).model_fields}
    for name in defaults.model_fields_set:
        mine, theirs = keys[name], getattr(defaults, name)
        if name not in own.model_fields_set:
            keys[name] = theirs
        elif isinstance(mine, Section) and isinstance(theirs, Section):
            keys[name] = type(mine).model_construct(**_over(theirs, mine))
    return keys
