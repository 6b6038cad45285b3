"""The checked document turned into the snapshot calls use: defaults merged, names resolved, look-ups sorted."""

from collections.abc import Iterable, Mapping
from ipaddress import ip_network

from trunkline.media.engine import PLAIN, Side
from trunkline.numbering import plan
from trunkline.policy import carriers, snapshot, trunks
from trunkline.policy.attestation import compile_attestation
from trunkline.policy.audio import Audio
from trunkline.policy.compliance import compile_contact
from trunkline.policy.deck import Deck
from trunkline.policy.destinations import Emergency, Route, Scoring
from trunkline.policy.dips import dips_of
from trunkline.policy.document import Document
from trunkline.policy.emergency_caller import compile_caller
from trunkline.policy.host import split_host
from trunkline.policy.named import destinations_by_prefix
from trunkline.policy.pools import areas_in, presentation_of, rules_of
from trunkline.policy.rates import currencies_of, decks_in
from trunkline.policy.sounds import Sound, Sounds
from trunkline.policy.usual_price import Usual

Secrets = Mapping[str, str]
NO_SOUNDS: Sounds = {}
NO_FILES: Mapping[str, bytes] = {}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def compile_policy(
    document: Document, secrets: Secrets, version: str, sounds: Sounds = NO_SOUNDS, files: Mapping[str, bytes] = NO_FILES
) -> snapshot.Snapshot:
    """The snapshot of a document in which `check` found nothing; `version` is its content address, `sounds` and
    `files` what it names."""
    routes = document.route_gateways()
    gateways = {
        f"{name}/{point}": _gateway(name, point, carrier.merged(point), secrets)
        for name, carrier in document.carriers.items()
        for point in carrier.gateways
    }
    prefixes = destinations_by_prefix(document)
    decks, currencies = decks_in(document, files)[0], currencies_of(document)
    usual = Usual(prefixes, currencies) if decks else None
    return snapshot.Snapshot(
        version=version,
        tenants={
            name: snapshot.Tenant(name=name, channels=tenant.channels, cps=tenant.cps)
            for name, tenant in document.tenants.items()
        },
        trunks={name: _trunk(name, trunk, secrets, sounds) for name, trunk in document.trunks.items()},
        carriers={
            name: snapshot.Carrier(name=name, gateways=routes[name], channels=carrier.channels, cps=carrier.cps, guaranteed=tuple(carrier.guaranteed.items()))
            for name, carrier in document.carriers.items()
        },
        gateways=gateways,
        destinations={
            name: snapshot.Destination(
                name=name,
                prefixes=entry.prefixes,
                strategy=entry.strategy,
                routes=tuple(
                    _route(name, route, routes[route.to], decks.get(route.to.partition("/")[0]), usual) for route in entry.routes
                ),
                max_attempts=entry.max_attempts,
                zone=entry.zone,
                tie=entry.tie / 100,
                scoring=_scoring(entry.scoring),
                countries=entry.countries,
                types=entry.types,
                operators=entry.operators,
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
        contact=compile_contact(document.compliance, document.retries),
        numbers=_numbers(document, files),
        attestation=compile_attestation(document.attestation, secrets, files),
        decks=decks,
        currencies=currencies,
        dips=dips_of(document, secrets),
    )


def _numbers(document: Document, files: Mapping[str, bytes]) -> snapshot.Numbers:
    numbers = document.numbers
    return snapshot.Numbers(
        rules={name: rules_of(pool) for name, pool in document.pools.items()},
        callback={name: pool.callback for name, pool in document.pools.items() if pool.callback},
        areas=areas_in(document, files)[0],
        presentation=tuple(map(presentation_of, numbers.presentation)),
        do_not_originate=numbers.do_not_originate,
    )


def _side(audio: Audio, codecs: tuple[str, ...]) -> Side:
    if audio == Audio() and not codecs:
        return PLAIN
    return Side(codecs, audio.interface or "", audio.secure, audio.nat, audio.networks, audio.dscp, audio.digits)


def _listen(listen: trunks.Listen, sounds: Sounds) -> snapshot.Listen:
    silence = Sound("", 0.0)
    message = sounds.get(listen.message, silence) if listen.machine == "drop" else silence
    prompt = sounds.get(listen.prompt, silence) if listen.assistant == "prompt" else silence
    return snapshot.Listen(
        mode=listen.mode,
        wait_s=listen.wait,
        share=listen.share / 100,
        minimum=listen.minimum,
        message=message.file,
        message_s=message.seconds,
        prompt=prompt.file,
        prompt_s=prompt.seconds,
        pick_up_s=listen.pick_up,
        evidence_s=listen.evidence,
        dead_air=listen.dead_air,
    )


def _trunk(name: str, trunk: trunks.Trunk, secrets: Secrets, sounds: Sounds) -> snapshot.Trunk:
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
        caller_id=snapshot.CallerId(trunk.caller_id.use, trunk.caller_id.pool or "", trunk.caller_id.pools),
        listen=_listen(trunk.listen, sounds),
        record=trunk.record,
        guaranteed=trunk.guaranteed,
        pace=snapshot.Pace(trunk.pacing.wait, trunk.pacing.queue, trunk.pacing.weight),
        emergency=compile_caller(trunk.emergency),
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
        identity=gateway.identity,
        early_media=gateway.early_media,
        local=gateway.local,
    )


def _credentials(auth: trunks.Auth | None, secrets: Secrets) -> snapshot.Credentials | None:
    return snapshot.Credentials(auth.user, secrets[auth.password], auth.realm) if auth else None


def _registration(registration: carriers.Registration | None) -> snapshot.Registration | None:
    if registration is None:
        return None
    return snapshot.Registration(registration.aor, registration.expires, registration.contact_user)


def _price(route: Route) -> snapshot.Price:
    return snapshot.Price(route.rate, *route.increments, route.fee, route.short_call_fee)


def _route(name: str, route: Route, gateways: tuple[str, ...], deck: Deck | None, usual: Usual | None) -> snapshot.RouteShare:
    own = _price(route)
    if deck is None or usual is None:
        return snapshot.RouteShare(gateways, route.share, own)
    now, later = usual.prices(name, deck, own)
    return snapshot.RouteShare(gateways, route.share, now, later, own)


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
