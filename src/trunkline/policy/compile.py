"""The checked document turned into the snapshot calls use: defaults merged, names resolved, look-ups sorted."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from ipaddress import ip_network

from trunkline.media.engine import PLAIN, Side
from trunkline.numbering import plan
from trunkline.policy import carriers, snapshot, trunks
from trunkline.policy.audio import Audio
from trunkline.policy.destinations import Emergency, Route, Scoring
from trunkline.policy.document import Document
from trunkline.policy.host import split_host

Secrets = Mapping[str, str]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def compile_policy(document: Document, secrets: Secrets, text: str) -> snapshot.Snapshot:
    """The snapshot of a document in which `check` found nothing; `text` is what it was read from."""
    routes = document.route_gateways()
    gateways = {
        f"{name}/{point}": _gateway(name, point, carrier.merged(point), secrets)
        for name, carrier in document.carriers.items()
        for point in carrier.gateways
    }
    prefixes = {prefix: name for name, entry in document.destinations.items() for prefix in entry.prefixes}
    return snapshot.Snapshot(
        version=sha256(text.encode()).hexdigest()[:16],
        tenants={
            name: snapshot.Tenant(name=name, channels=tenant.channels, cps=tenant.cps)
            for name, tenant in document.tenants.items()
        },
        trunks={name: _trunk(name, trunk, secrets) for name, trunk in document.trunks.items()},
        carriers={
            name: snapshot.Carrier(name=name, gateways=routes[name], channels=carrier.channels, cps=carrier.cps)
            for name, carrier in document.carriers.items()
        },
        gateways=gateways,
        destinations={
            name: snapshot.Destination(
                name=name,
                prefixes=entry.prefixes,
                strategy=entry.strategy,
                routes=tuple(
                    snapshot.RouteShare(routes[route.to], route.share, _price(route)) for route in entry.routes
                ),
                max_attempts=entry.max_attempts,
                zone=entry.zone,
                tie=entry.tie / 100,
                scoring=_scoring(entry.scoring),
            )
            for name, entry in document.destinations.items()
        },
        dids={number: snapshot.Did(number=number, trunks=did.trunks) for number, did in document.dids.items()},
        emergency=_emergency(document.emergency, routes),
        prefixes=prefixes,
        longest_prefix=max(map(len, prefixes), default=0),
        source_trunks=_most_specific_first(
            (network, name) for name, trunk in document.trunks.items() for network in trunk.addresses
        ),
        source_gateways=_most_specific_first(
            (network, name) for name, gateway in gateways.items() for network in gateway.networks
        ),
        digest_users={trunk.auth.user: name for name, trunk in document.trunks.items() if trunk.auth},
        bands=tuple(
            snapshot.Band(name, band.begins, band.ends, tuple(DAYS.index(day) for day in band.days))
            for name, band in document.bands.items()
        ),
    )


def _side(audio: Audio, codecs: tuple[str, ...]) -> Side:
    if audio == Audio() and not codecs:
        return PLAIN
    return Side(codecs, audio.interface or "", audio.secure, audio.nat, audio.networks, audio.dscp, audio.digits)


def _trunk(name: str, trunk: trunks.Trunk, secrets: Secrets) -> snapshot.Trunk:
    return snapshot.Trunk(
        name=name,
        tenant=trunk.tenant,
        kind=trunk.kind,
        networks=trunk.addresses,
        auth=_credentials(trunk.auth, secrets),
        require_digest=trunk.require_digest,
        registers=trunk.registers,
        host=trunk.host,
        transport=trunk.transport,
        channels=trunk.channels,
        cps=trunk.cps,
        plan=plan.NumberPlan(**trunk.number_plan.model_dump()),
        profile=trunk.profile,
        metadata=tuple(trunk.metadata.items()),
        transfer=trunk.transfer,
        media=_side(trunk.media, trunk.codecs),
        setup_s=trunk.setup,
        session_expires_s=trunk.session_expires,
        call_id_header=trunk.call_id_header,
        early_media=trunk.early_media,
        listen=snapshot.Listen(trunk.listen.mode, trunk.listen.wait, trunk.listen.share / 100),
        record=trunk.record,
    )


def _gateway(carrier: str, point: str, gateway: carriers.Gateway, secrets: Secrets) -> snapshot.Gateway:
    host, port = split_host(gateway.host)
    return snapshot.Gateway(
        name=f"{carrier}/{point}",
        carrier=carrier,
        host=host,
        port=port,
        transport=gateway.transport,
        large_requests=gateway.large_requests,
        weight=gateway.weight,
        auth=_credentials(gateway.auth, secrets),
        registration=_registration(gateway.registration),
        media=_side(gateway.media, gateway.codecs),
        called=plan.CalledFormat(**gateway.called.model_dump()),
        caller=plan.CallerFormat(**gateway.caller.model_dump()),
        timers=snapshot.Timers(
            no_response_s=gateway.timers.no_response,
            no_progress_s=gateway.timers.no_progress,
            no_answer_s=gateway.timers.no_answer,
        ),
        channels=gateway.channels,
        cps=gateway.cps,
        options_s=gateway.options,
        redirect=gateway.redirect,
        rel100=gateway.rel100,
        session_expires_s=gateway.session_expires,
        overrides=tuple(gateway.overrides.items()),
        from_domain=gateway.from_domain,
        networks=gateway.addresses,
        verify_tls=gateway.verify_tls,
    )


def _credentials(auth: trunks.Auth | None, secrets: Secrets) -> snapshot.Credentials | None:
    return snapshot.Credentials(auth.user, secrets[auth.password], auth.realm) if auth else None


def _registration(registration: carriers.Registration | None) -> snapshot.Registration | None:
    if registration is None:
        return None
    return snapshot.Registration(registration.aor, registration.expires, registration.contact_user)


def _price(route: Route) -> snapshot.Price:
    return snapshot.Price(route.rate, *route.increments, route.fee, route.short_call_fee)


def _scoring(scoring: Scoring) -> snapshot.Scoring:
    return snapshot.Scoring(
        value=scoring.value,
        machine=scoring.machine,
        false_answer=scoring.false_answer,
        short_call=scoring.short_call,
        delay=scoring.delay,
        target_delay_s=scoring.target_delay,
        holdout=scoring.holdout / 100,
        floor=scoring.floor / 100,
        max_rate=scoring.max_rate,
        memory_s=scoring.memory,
        memory_calls=scoring.memory_calls,
    )


def _emergency(emergency: Emergency, routes: Mapping[str, tuple[str, ...]]) -> snapshot.Emergency:
    gateways = dict.fromkeys(gateway for route in emergency.routes for gateway in routes[route])
    return snapshot.Emergency(
        numbers=emergency.numbers,
        test_numbers=tuple(number for number in emergency.test_numbers if number in emergency.numbers),
        gateways=tuple(gateways),
    )


def _most_specific_first(sources: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Stable, so gateways of one carrier that share a network stay in the order written."""
    return tuple(sorted(sources, key=lambda source: -ip_network(source[0]).prefixlen))
