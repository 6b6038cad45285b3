"""Tenants and trunks: the dialer side of the policy."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator

from trunkline.policy.audio import Audio
from trunkline.policy.emergency_caller import Caller
from trunkline.policy.problem import Finding, Location, unknown
from trunkline.policy.scalars import (
    Calls,
    Codec,
    DialCode,
    Digits,
    HeaderName,
    Host,
    Hourly,
    Length,
    MetadataSource,
    Name,
    Network,
    Percent,
    Rate,
    Secret,
    SoundFile,
    Text,
    Wait,
    WholeSeconds,
    YesNo,
    off,
)
from trunkline.policy.section import Section, key
from trunkline.policy.sharing import Pacing

Transport = Literal["udp", "tcp", "tls", "ws", "wss"]


class Tenant(Section):
    """A customer or business unit; its limits hold over all its trunks together."""

    channels: Calls = key(0, example="500")
    "Concurrent calls."
    cps: Rate = key(0.0, example="60")
    "Calls started per second."


class Auth(Section):
    """A digest user (RFC 8760)."""

    user: Text = key(example="office")
    "Digest user name."
    password: Secret = key(example='"env:OFFICE_SECRET"')
    "Where the password is kept; a relative PATH begins at the policy's folder. At least 12 characters for a trunk."
    realm: Text = key("", example="sip.example.com")
    "Realm to answer; empty answers any."


class NumberPlan(Section):
    """How the dialer writes numbers; they are read into E.164 before any decision."""

    country_code: Digits = key("", example='"44"')
    "Country code; needed to read national numbers."
    international_prefix: Digits = key("00", example='"011"')
    "Dialled before a country code; empty when none."
    trunk_prefix: Digits = key("0", example='"1"')
    "Dialled before a national number; empty when none."
    strip: DialCode = key("", example='"9"')
    "Dialled before every number; removed first."
    bare: Literal["international", "national"] = key("international", example="national")
    "How a number with no prefix is read."
    min_digits: Length = key(7, example="8")
    "Shortest number accepted, country code included."
    max_digits: Length = key(15, example="12")
    "Longest number accepted, country code included."


class Listen(Section):
    """What is done with what is heard of the callee."""

    mode: Annotated[Literal["off", "shadow", "observe", "gate"], BeforeValidator(off)] = key("off", example="observe")
    """shadow writes down what was heard; observe also tells whoever asks while the call is up; gate connects the agent only to a human,
    or when unsure."""
    wait: Wait = key(2.5, example="2s")
    "gate: longest wait for a verdict after the answer; then the call is connected."
    share: Percent = key(100.0, example="20")
    "Part of its calls that is listened to, drawn at random call by call."
    minimum: Hourly = key(0, example="20")
    """Calls an hour on each route (gateway and destination) that are listened to at least, whatever `share` says: where a route has few, a
    larger part of them is drawn, up to all. 0 sets no minimum."""
    machine: Literal["release", "drop"] = key("release", example="drop")
    "gate: a machine is hung up on, or left the `message` after its beep. Announcements and faxes are hung up on in any case."
    message: SoundFile = key("", example="callback.wav")
    "What is left on machines: WAV, 8 kHz, 16 bit, one channel. A relative path begins at the policy's folder."
    assistant: Literal["connect", "prompt"] = key("connect", example="prompt")
    "gate: an assistant that screens calls is connected, or is played the `prompt` and the call connected when somebody picks up."
    prompt: SoundFile = key("", example="who-we-are.wav")
    "What assistants are told; as `message`."
    pick_up: Wait = key(30.0, example="20s")
    "Longest wait for the pick-up after the prompt began; then the callee is hung up on."
    evidence: WholeSeconds = key(0, example="10s")
    """Seconds of the callee's audio that are kept of answers taken for false ones, as a WAV in the folder `evidence` beside the recordings; 0
    keeps none. Where its calls are recorded the recording is the evidence."""
    dead_air: YesNo = key(True, example="false")
    "Its agents are listened to until they speak, so that the silence after the callee's greeting is on record."


class CallerId(Section):
    """What becomes of the caller ID a trunk's dialer sends."""

    use: Literal["pass", "honour", "prefer", "replace"] = key("pass", example="prefer")
    """pass sends on what came, ungoverned; honour uses it if it is a number of the tenant that may be used now, and refuses the call
    otherwise; prefer uses it if it may, else one of the pool; replace always takes one of the pool."""
    pool: Name | None = key(None, example="us-sales")
    "Pool the number is taken from."
    pools: dict[Name, Name] = key({}, example="{spring: us-sales, dunning: us-collections}")
    "Pool by campaign (`metadata` field `campaign`), where a campaign has one of its own."


class Trunk(Section):
    """A dialer or PBX: who may call, how much, and how it is spoken to."""

    tenant: Name = key(example="acme")
    "The tenant whose limits count its calls."
    kind: Literal["dialer", "pbx"] = key("dialer", example="pbx")
    "A dialer may not place emergency calls; a PBX may."
    addresses: tuple[Network, ...] = key((), example="[192.0.2.10, 192.0.2.0/28]")
    "Where its requests come from."
    auth: Auth | None = key(None, example='{user: office, password: "env:OFFICE_SECRET"}')
    "Its digest user; with `addresses` either suffices unless `require_digest`."
    require_digest: YesNo = key(False, example="true")
    "Requests from its addresses are challenged too."
    registers: YesNo = key(False, example="true")
    "It registers: calls to it go to its binding, calls from it need one."
    host: Host = key("", example="192.0.2.10:5060")
    "Where inbound calls for it go when it does not register."
    transport: Transport = key("udp", example="tls")
    "Transport to `host`."
    channels: Calls = key(0, example="300")
    "Concurrent calls."
    guaranteed: Calls = key(0, example="50")
    "Of its tenant's channels, those that are kept for it."
    cps: Rate = key(0.0, example="40")
    "Calls started per second."
    pacing: Pacing = key(Pacing(), example="{wait: 800ms, queue: 20}")
    "Calls over `cps` wait their turn."
    emergency: Caller | None = key(None, example='{callback: "+14155550100"}')
    "What its emergency calls say of who calls and where; for a PBX."
    number_plan: NumberPlan = key(NumberPlan(), example='{country_code: "1", international_prefix: "011"}')
    "How it writes numbers."
    profile: Literal["vicidial", "asterisk", "freeswitch", "generic"] = key("generic", example="vicidial")
    "What it is told when calls fail, in the codes it understands."
    metadata: dict[Name, MetadataSource] = key({}, example="{campaign: header:X-Campaign, lead: user, purpose: =sales}")
    """What it knows of a call, and where that is read: `header:NAME`, `param:NAME` (Request-URI), `user` (From user
    part), `from` (From display name) or a literal `=value`. Kept on the record, stripped towards carriers."""
    caller_id: CallerId = key(CallerId(), example="{use: replace, pool: us-sales}")
    "What becomes of the caller ID its dialer sends."
    early_media: Literal["pass", "ring", "hold"] = key("pass", example="hold")
    """What it hears before the answer: what the carrier sends (pass), its own ringing (ring), or what the carrier sends once that was heard to be
    ringback or an announcement (hold, which listens before the answer in every mode)."""
    listen: Listen = key(Listen(), example="{mode: observe}")
    "What is done with what is heard of the callee; needs `[media]` engine relay or rtpengine."
    record: YesNo = key(False, example="true")
    "Its answered calls are recorded, each side in a channel of its own; needs `[studio]` recordings."
    transfer: YesNo = key(True, example="false")
    "Its REFER is executed."
    codecs: tuple[Codec, ...] = key((), example="[PCMU, PCMA]")
    "Codecs in order of preference; empty passes everything."
    media: Audio = key(Audio(), example="{nat: true}")
    "Its audio, where Trunkline carries it."
    setup: Wait = key(60.0, example="45s")
    "Longest time from INVITE to answer over all attempts, ringing excluded."
    session_expires: WholeSeconds = key(1800, example="30m")
    "Session timer asked of it and granted to it (RFC 4028); 0 switches it off."
    call_id_header: HeaderName = key("X-Trunkline-Call", example="X-Call")
    "Header of 18x and 200 that carries our call id; empty sends none."


def check_takes_calls(trunks: Mapping[str, Trunk], name: str, path: Location) -> Iterator[Finding]:
    """Whether calls can go to a trunk that `path` names."""
    trunk = trunks.get(name)
    if trunk is None:
        yield unknown(path, "trunk", name, trunks)
    elif not (trunk.registers or trunk.host):
        yield Finding(path, f"calls cannot reach trunk `{name}`", f"add `host` or `registers` to trunk `{name}`")
