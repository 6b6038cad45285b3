"""Settings of one node: `trunkline.toml`. What a node is, as opposed to what it should do (`policy.yaml`)."""

import re
import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from trunkline.sip.asyncio import TlsSettings
from trunkline.sip.transactions import TimerSettings

Positive = Annotated[int, msgspec.Meta(ge=1)]


class SettingsError(Exception):
    """The settings cannot be used; the text names place and fix."""


class Listen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One door."""

    purpose: str = msgspec.field(name="for")
    "trunks (dialers), carriers, or registrations (phones)."
    address: str = "0.0.0.0:5060"
    "IP and port to bind; IPv6 in brackets."
    transport: str = "udp"
    "udp, tcp, tls, ws or wss."
    advertised: str = ""
    "Host or host:port that peers are told instead: the public address of a NAT."
    name: str = ""
    "As the policy's `local` refers to it; empty takes purpose, transport and place in this file."
    media: str = ""
    "Media interface of calls to carriers by this door, instead of the gateway's."


class NodeSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str = "node"
    "Name in records."
    data: str = "var"
    "Directory for journal, checkpoints and the control socket; relative to the file."
    policy: str = "policy.yaml"
    "The policy document; relative to the file."
    low_water_mb: Annotated[int, msgspec.Meta(ge=0)] = 64
    "Free disk below this stops admissions; calls go on."
    shed_at_ms: Positive = 150
    "A signalling loop later than this takes no new calls, until it is late by a fifth of that."
    keep_days: Positive = 30
    "Journal segments older than this are deleted."


class SipSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    t1_ms: Positive = 500
    "Round-trip estimate (RFC 3261 section 17.1.1.1)."
    t2_ms: Positive = 4000
    t4_ms: Positive = 5000
    min_session_expires_s: Positive = 90
    "Smallest session interval accepted (RFC 4028 section 5)."
    realm: str = "trunkline"
    "Digest realm."
    digest: Annotated[tuple[Literal["SHA-512-256", "SHA-256", "MD5"], ...], msgspec.Meta(min_length=1)] = ("SHA-256", "MD5")
    """Algorithms challenges offer, in order of preference (RFC 8760). Old phones and Asterisk's chan_sip give up at the first they do not
    know: ["MD5"] lets them in."""
    nameservers: tuple[str, ...] = ()
    "DNS servers; empty takes the system's."
    nameserver_port: int = 53


class TlsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    certificate: str = ""
    key: str = ""
    authority: str = ""
    require_client: bool = False


class MediaInterface(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    "As the policy's `media: {interface: NAME}` refers to it."
    address: str
    "Address to bind, IPv4 or IPv6."
    advertised: str = ""
    "Address to tell far ends where a NAT stands before us."


class MediaDaemon(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    host: str
    "Numeric address of the daemon's NG socket (`--listen-ng`)."
    port: Positive = 2223
    weight: Positive = 1
    "Share of new calls."


class MediaSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    engine: Literal["bypass", "relay", "rtpengine"] = "bypass"
    """Who carries the audio: `bypass` (dialer and carrier directly), `relay` (Trunkline's own workers) or `rtpengine` (daemons that run
    already, here or elsewhere)."""
    workers: Positive = 1
    "Processes of the relay."
    first_port: Positive = 30_000
    last_port: Positive = 60_000
    "UDP ports of the relay."
    timeout_s: float = 30.0
    "Both sides of a call without RTP for so long: it is hung up. Not while on hold."
    interface: tuple[MediaInterface, ...] = ()
    "Addresses of the relay; the first is the default."
    daemon: tuple[MediaDaemon, ...] = ()
    digit_log: str = ""
    "Address and port the daemons' `--dtmf-log-dest` names."
    ranges: Literal["refuse", "learn"] = "refuse"
    "rtpengine cannot check RTP against a gateway's `networks`: refuse such legs, or learn the first source."


class StudioSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    workers: Annotated[int, msgspec.Meta(ge=0)] = 1
    "Processes that listen and record; 0: nothing is listened to or recorded. They run only where `[media]` engine carries the audio."
    lines: Positive = 600
    "Legs one of them takes; calls beyond that go on unheard."
    conversions: Annotated[int, msgspec.Meta(ge=0)] = 200
    "Streams one of them transcodes or searches for keys, two to a call; offers that would need more are refused."
    address: str = "127.0.0.1"
    "Where the media engine sends its copies. With rtpengine on another machine: an address it reaches on a network of yours."
    recordings: str = "recordings"
    "Folder for recordings; relative to `[node] data`."


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    node: NodeSection = NodeSection()
    sip: SipSection = SipSection()
    tls: TlsSection = TlsSection()
    listen: tuple[Listen, ...] = ()
    media: MediaSection = MediaSection()
    studio: StudioSection = StudioSection()

    @property
    def timers(self) -> TimerSettings:
        return TimerSettings(self.sip.t1_ms / 1000, self.sip.t2_ms / 1000, self.sip.t4_ms / 1000)

    @property
    def tls_settings(self) -> TlsSettings:
        return TlsSettings(self.tls.certificate, self.tls.key, self.tls.authority, self.tls.require_client)


DEFAULT_LISTEN = (Listen("trunks", "0.0.0.0:5060", "udp"), Listen("trunks", "0.0.0.0:5060", "tcp"), Listen("carriers", "0.0.0.0:5080", "udp"))
PURPOSES = ("trunks", "carriers", "registrations")
DOOR_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
ADVERTISED = re.compile(r"([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
TRANSPORTS = ("udp", "tcp", "tls", "ws", "wss")


def load_settings(path: Path) -> Settings:
    """Read trunkline.toml. Raises SettingsError."""
    try:
        text = path.read_text()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; write it as README.md shows under `Run it`, or name yours with --settings") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 text, so not TOML; name your settings with --settings") from error
    try:
        settings = msgspec.convert(tomllib.loads(text), Settings)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {error}") from error
    for listen in settings.listen:
        if listen.purpose not in PURPOSES:
            raise SettingsError(f"{path}: [[listen]] for = {listen.purpose!r}: one of {', '.join(PURPOSES)}")
        if listen.transport not in TRANSPORTS:
            raise SettingsError(f"{path}: [[listen]] transport = {listen.transport!r}: one of {', '.join(TRANSPORTS)}")
        split_address(listen.address, path)
        if listen.advertised and not ADVERTISED.fullmatch(listen.advertised):
            raise SettingsError(
                f"{path}: [[listen]] advertised = {listen.advertised!r}: give a host or host:port, IPv6 in brackets, such as 198.51.100.1 or "
                "[2001:db8::1]:5060"
            )
        if listen.media and listen.media not in {interface.name for interface in settings.media.interface}:
            known = ", ".join(interface.name for interface in settings.media.interface) or "none"
            raise SettingsError(f"{path}: [[listen]] media = {listen.media!r}: no such [[media.interface]]; there are {known}")
    sockets = [("udp" if listen.transport == "udp" else "tcp", split_address(listen.address)) for listen in settings.listen]
    for at, listen in zip(sockets, settings.listen, strict=True):
        if at[1][1] and sockets.count(at) > 1:
            raise SettingsError(f"{path}: [[listen]] address = {listen.address!r}: two doors by {at[0].upper()} there; give each an address or port of its own")
    names = door_names(settings.listen)
    for name in names:
        if names.count(name) > 1 or not DOOR_NAME.fullmatch(name):
            fault = "two doors bear that name" if names.count(name) > 1 else "not usable in a policy"
            raise SettingsError(f"{path}: [[listen]] name = {name!r}: {fault}; give each door one of its own, of letters, digits, `.`, `_` and `-`")
    for server in settings.sip.nameservers:
        if not _is_ip(server):
            raise SettingsError(f"{path}: [sip] nameservers: {server!r} is no IP address; name servers are given by address")
    for interface in settings.media.interface:
        if not _is_ip(interface.address):
            raise SettingsError(f"{path}: [[media.interface]] address: {interface.address!r} is no IP address")
    base = path.parent
    node = msgspec.structs.replace(settings.node, data=str(base / settings.node.data), policy=str(base / settings.node.policy))
    return msgspec.structs.replace(settings, node=node, listen=settings.listen or DEFAULT_LISTEN)


def door_names(doors: tuple[Listen, ...]) -> list[str]:
    """Name of each door."""
    return [door.name or f"{door.purpose}-{door.transport}-{place}" for place, door in enumerate(doors)]


def split_address(address: str, path: Path = Path("trunkline.toml")) -> tuple[str, int]:
    """`ip:port` or `[v6]:port` apart."""
    host, _, port = address.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not _is_ip(bare) or (":" in bare) != (bare != host) or not port.isdecimal() or int(port) > 65535:
        raise SettingsError(f"{path}: [[listen]] address = {address!r}: give IP and port, such as 0.0.0.0:5060 or [::]:5060")
    return bare, int(port)


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
