"""SIPp on both sides of a real node: what happens in and around a dialog.

The flows of `tests/flows` that turn on timing, credentials or a third party, here with processes and sockets that are not ours. Most of what
is asserted stands in the scenarios: SIPp fails a call whose messages are missing, wrong or one too many. Here stand the records.
"""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.counterparts.serving import ServedNode, needs
from tests.counterparts.sipp import ended, listening, sipp
from trunkline.facts.record import Alarm, Attempt, Call
from trunkline.lab.run import free_port

pytestmark = pytest.mark.counterpart

SECRET = "correct-horse-battery-7"
NUMBER, TARGET = "14155550123", "14155550777"
PATIENCE = ("-recv_timeout", "20000", "-trace_err")
"SIPp gives a call up that waits this long, in ms, for a message, and writes down why."


class Carrier(NamedTuple):
    """A SIPp carrier: its scenario, and its part of the policy."""

    scenario: str
    "Empty: nobody listens."
    options: tuple[str, ...] = ()
    gateway: str = "session_expires: 0"
    transport: str = "udp"
    prefix: str = ""
    "Called numbers that go there."


NOBODY = Carrier("")
"Whoever calls there leaves the record of an attempt."


class Heard(NamedTuple):
    """What the node wrote down."""

    calls: list[Call]
    attempts: list[Attempt]
    alarms: list[str]

    @property
    def call(self) -> Call:
        assert len(self.calls) == 1, self.calls
        return self.calls[0]

    @property
    def attempt(self) -> Attempt:
        assert len(self.attempts) == 1, self.attempts
        return self.attempts[0]


@pytest.fixture
def dials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Heard]:
    """Places one call from a SIPp dialer through a node to SIPp carriers and waits until nobody holds anything any more."""

    def call(dialer: str, *carriers: Carrier, secret: str = SECRET, **more: object) -> Heard:
        needs("sipp")
        monkeypatch.setenv("SECRET", secret)
        return asyncio.run(_call(tmp_path, dialer, carriers, **more))  # type: ignore[arg-type]

    return call


async def _call(
    folder: Path, dialer: str, carriers: tuple[Carrier, ...], *, options: tuple[str, ...] = (), trunk: str = "addresses: [127.0.0.1]",
    transport: str = "udp", sip: str = "t1_ms = 50",
) -> Heard:  # fmt: skip
    ports = [free_port() for _ in carriers]
    trunk_port = free_port()
    doors = {carrier.transport: ("carriers", carrier.transport, f"127.0.0.1:{free_port()}") for carrier in carriers}
    node = ServedNode(
        folder / "node", _policy(trunk, carriers, ports), [("trunks", transport, f"127.0.0.1:{trunk_port}"), *doors.values()], f'[sip]\ndigest = ["MD5"]\n{sip}\n'
    )
    processes: list[subprocess.Popen[bytes]] = []
    async with node:
        try:
            for carrier, port in zip(carriers, ports, strict=True):
                if not carrier.scenario:
                    continue
                processes.append(sipp(carrier.scenario, port, "-m", "1", *_by(carrier.transport), *PATIENCE, *carrier.options, folder=folder))
                await listening("127.0.0.1", port, carrier.transport)
            dialled = ("-s", NUMBER, "-auth_uri", f"{NUMBER}@127.0.0.1:{trunk_port}", f"127.0.0.1:{trunk_port}")
            processes.insert(0, sipp(dialer, free_port(), *dialled, "-m", "1", *_by(transport), *PATIENCE, *options, folder=folder))
            for process in processes:
                await asyncio.to_thread(ended, process)
            async with asyncio.timeout(30):
                while not node.is_clean():
                    await asyncio.sleep(0.02)
        except BaseException:
            print(*[log.read_text() for log in sorted(folder.glob("*_errors.log"))], sep="\n")
            raise
        finally:
            for process in processes:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
    return Heard(node.records(), node.attempts(), [fact.code for fact in node.facts() if isinstance(fact, Alarm)])


def _by(transport: str) -> tuple[str, ...]:
    return ("-t", "t1") if transport == "tcp" else ()


def _policy(trunk: str, carriers: tuple[Carrier, ...], ports: list[int]) -> str:
    lines = ["tenants: {t: {}}", "trunks:", f"  dialer: {{tenant: t, {trunk}, number_plan: {{min_digits: 3}}}}", "carriers:"]
    for i, (carrier, port) in enumerate(zip(carriers, ports, strict=True)):
        lines.append(f'  c{i}: {{gateways: {{g: {{host: "127.0.0.1:{port}", options: 0, transport: {carrier.transport}, {carrier.gateway}}}}}}}')
    lines.append("destinations:")
    for i, carrier in enumerate(carriers):
        lines.append(f'  d{i}: {{prefixes: ["{carrier.prefix}"], routes: [{{to: c{i}}}]}}')
    return "\n".join(lines) + "\n"


ANSWERS = Carrier("uas-answers", ("-key", "header", "Server: SIPp"))


# CANCEL.


def test_a_cancel_before_the_carrier_said_anything_is_held_until_it_does(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-cancel-before-ringing", Carrier("uas-cancelled", ("-d", "400")))
    assert (heard.call.status, heard.call.result, heard.call.released_by, heard.call.alerting_ms) == (487, "cancelled", "dialer", None)
    assert (heard.attempt.status, heard.attempt.outcome, heard.attempt.censored, heard.attempt.released_by) == (487, "caller", True, "dialer")


def test_a_ringing_call_is_cancelled_on_both_sides(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-cancel-ringing", Carrier("uas-cancelled", ("-d", "1")))
    assert (heard.call.status, heard.call.result, heard.call.released_by) == (487, "cancelled", "dialer")
    assert (heard.attempt.status, heard.attempt.outcome, heard.attempt.censored, heard.attempt.released_by) == (487, "callee", False, "dialer")


def test_a_200_that_crosses_the_cancel_is_acknowledged_and_hung_up(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-cancel-ringing", Carrier("uas-200-crosses-cancel"))
    assert (heard.call.status, heard.call.result, heard.call.released_by, heard.call.answer_ms) == (487, "cancelled", "dialer", None)
    assert (heard.attempt.status, heard.attempt.outcome, heard.attempt.refusal, heard.attempt.released_by) == (200, "callee", "call.cancelled", "dialer")


def test_a_200_out_of_silence_after_the_dialer_gave_up_is_hung_up(dials: Callable[..., Heard]) -> None:
    """No CANCEL could be sent: there was no provisional response to allow it."""
    heard = dials("uac-cancel-before-ringing", Carrier("uas-answers-late", ("-d", "400")))
    assert (heard.call.status, heard.call.released_by) == (487, "dialer")
    assert (heard.attempt.status, heard.attempt.outcome, heard.attempt.refusal) == (200, "caller", "call.cancelled")


# Digest.

DIGEST_TRUNK = 'auth: {user: office, password: "env:SECRET"}'
OUR_USER = 'session_expires: 0, auth: {user: acme, password: "env:SECRET"}'


@pytest.mark.parametrize("trunk", [DIGEST_TRUNK, f"addresses: [127.0.0.1], require_digest: true, {DIGEST_TRUNK}"], ids=["unknown-address", "known-address"])
def test_a_dialer_is_challenged_and_let_in(dials: Callable[..., Heard], trunk: str) -> None:
    heard = dials("uac-digest", ANSWERS, trunk=trunk, options=("-au", "office", "-ap", SECRET))
    assert (heard.call.status, heard.call.result, heard.call.released_by, heard.call.trunk) == (200, "answered", "dialer", "dialer")
    assert (heard.attempt.status, heard.attempt.released_by) == (200, "dialer")


def test_a_dialer_with_the_wrong_password_is_refused(dials: Callable[..., Heard]) -> None:
    """Nobody is known, so there is no record to write."""
    assert dials("uac-digest-refused", NOBODY, trunk=DIGEST_TRUNK, options=("-au", "office", "-ap", "a-guess-of-theirs")) == ([], [], [])


def test_a_carrier_that_challenges_with_401_gets_credentials_it_can_verify(dials: Callable[..., Heard]) -> None:
    heard = dials("uac", Carrier("uas-challenges-401", gateway=OUR_USER))
    assert (heard.call.status, heard.call.attempts, heard.call.released_by) == (200, 1, "dialer")
    assert (heard.attempt.status, heard.attempt.outcome, heard.attempt.released_by) == (200, "answered", "dialer")


def test_a_carrier_that_challenges_with_407_gets_proxy_credentials(dials: Callable[..., Heard]) -> None:
    heard = dials("uac", Carrier("uas-challenges-407", gateway=OUR_USER))
    assert (heard.call.status, heard.call.attempts) == (200, 1)
    assert (heard.attempt.status, heard.attempt.outcome) == (200, "answered")


def test_a_carrier_that_answers_our_wrong_password_with_403_declines_the_call(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-603", Carrier("uas-challenges-401", gateway=OUR_USER), secret="not-what-they-know")
    assert (heard.call.status, heard.call.result, heard.call.released_by, heard.call.attempts) == (603, "rejected", "carrier", 1)
    assert (heard.attempt.status, heard.attempt.outcome, heard.attempt.evidence) == (403, "callee", "status 403")


def test_a_carrier_that_challenges_our_credentials_again_is_a_failed_route_and_an_alarm(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-502", Carrier("uas-challenges-again", gateway=OUR_USER))
    assert (heard.call.status, heard.call.result, heard.call.refusal, heard.call.attempts) == (502, "unreachable", "routing.exhausted", 1)
    assert (heard.attempt.status, heard.attempt.outcome, heard.attempt.released_by) == (401, "route", "carrier")
    assert heard.alarms == ["outcome.status 401"]


def test_both_sides_are_authenticated_in_one_call(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-digest", Carrier("uas-challenges-401", gateway=OUR_USER), trunk=DIGEST_TRUNK, options=("-au", "office", "-ap", SECRET))
    assert (heard.call.status, heard.call.released_by, heard.attempt.status) == (200, "dialer", 200)


# Reliable provisional responses.


def test_a_reliable_183_of_the_carrier_is_acknowledged(dials: Callable[..., Heard]) -> None:
    heard = dials("uac", Carrier("uas-reliable-183"))
    assert (heard.call.status, heard.call.released_by) == (200, "dialer")
    assert (heard.attempt.status, heard.attempt.early_media, heard.attempt.released_by) == (200, "183+sdp", "dialer")


def test_a_dialer_that_supports_100rel_gets_early_media_reliably(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-prack", Carrier("uas-reliable-183"))
    assert (heard.call.status, heard.call.released_by, heard.attempt.status) == (200, "dialer", 200)
    assert heard.call.early_media_ms is not None


def test_a_dialer_that_never_acknowledges_a_reliable_183_is_refused(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-prack-missing", Carrier("uas-early-media-cancelled"), sip="t1_ms = 20")
    assert (heard.call.refusal, heard.call.released_by) == ("sip.no_prack", "trunkline")
    assert heard.attempt.released_by == "trunkline"


# Transfer.

TRANSFEREE = Carrier("uas-transferred")


def test_a_blind_transfer_connects_the_target_and_lets_the_dialer_go(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-refer", TRANSFEREE, Carrier("uas-hangs-up", ("-d", "300"), prefix=TARGET))
    first, second = sorted(heard.calls, key=lambda call: call.at)
    assert (first.state, first.transfers, first.status, first.called) == ("transferred", 1, 200, f"+{NUMBER}")
    assert (second.status, second.called, second.carrier) == (200, f"+{TARGET}", "c1")
    assert {(attempt.carrier, attempt.status, attempt.outcome) for attempt in heard.attempts} == {("c0", 200, "answered"), ("c1", 200, "answered")}


def test_a_referrer_that_stays_is_hung_up_on(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-refer-stays", TRANSFEREE, Carrier("uas-hangs-up", ("-d", "100"), prefix=TARGET))
    assert sorted((call.status, call.transfers) for call in heard.calls) == [(200, 0), (200, 1)]


def test_a_transfer_to_somebody_busy_leaves_the_call_as_it_was(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-refer-fails", ANSWERS, Carrier("uas-486", prefix=TARGET))
    first, second = sorted(heard.calls, key=lambda call: call.at)
    assert (first.status, first.transfers, first.released_by, first.state) == (200, 0, "dialer", "disconnected")
    assert (second.status, second.result) == (486, "busy")


# Session timers.


def test_a_dialer_that_stops_refreshing_is_hung_up_on_both_sides(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-never-refreshes", ANSWERS, sip="t1_ms = 50\nmin_session_expires_s = 2")
    assert (heard.call.status, heard.call.released_by, heard.call.refusal) == (200, "trunkline", "sip.session_expired")
    assert (heard.attempt.status, heard.attempt.released_by, heard.attempt.refusal) == (200, "trunkline", "sip.session_expired")
    assert 1900 < (heard.call.talk_ms or 0) < 3000


def test_a_carrier_that_stops_refreshing_is_hung_up_on_both_sides(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-hung-up", Carrier("uas-never-refreshes", gateway="session_expires: 3"), sip="t1_ms = 50\nmin_session_expires_s = 2")
    assert (heard.call.status, heard.call.released_by, heard.call.refusal) == (200, "trunkline", "sip.session_expired")
    assert (heard.attempt.released_by, heard.attempt.refusal) == ("trunkline", "sip.session_expired")
    assert 1900 < (heard.call.talk_ms or 0) < 3000


@pytest.mark.parametrize("how", ["update", "reinvite"])
def test_a_session_that_is_ours_to_refresh_is_refreshed(dials: Callable[..., Heard], how: str) -> None:
    carrier = Carrier(f"uas-refreshed-by-{how}", gateway="session_expires: 2")
    heard = dials("uac", carrier, options=("-d", "1500"), sip="t1_ms = 50\nmin_session_expires_s = 2")
    assert (heard.call.status, heard.call.released_by, heard.call.refusal, heard.call.holds) == (200, "dialer", "", 0)
    assert (heard.attempt.status, heard.attempt.released_by) == (200, "dialer")


# Renegotiation.


def test_an_update_without_sdp_is_answered_here_and_one_with_sdp_goes_through(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-update", Carrier("uas-hold"))
    assert (heard.call.status, heard.call.holds, heard.call.released_by) == (200, 1, "dialer")
    assert heard.attempt.status == 200


def test_re_invites_that_meet_are_both_told_491_and_ours_comes_again(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-hold", Carrier("uas-glare"))
    assert (heard.call.status, heard.call.holds, heard.call.released_by) == (200, 1, "dialer")
    assert (heard.attempt.status, heard.attempt.released_by) == (200, "dialer")


# Transports.


@pytest.mark.parametrize(("dialer", "carrier"), [("udp", "tcp"), ("tcp", "udp")])
@pytest.mark.parametrize("released_by", ["dialer", "carrier"])
def test_each_side_keeps_its_own_transport(dials: Callable[..., Heard], dialer: str, carrier: str, released_by: str) -> None:
    behind = Carrier("uas-hangs-up", ("-d", "100"), transport=carrier) if released_by == "carrier" else ANSWERS._replace(transport=carrier)
    heard = dials("uac-hung-up" if released_by == "carrier" else "uac", behind, transport=dialer)
    assert (heard.call.status, heard.call.transport, heard.call.released_by) == (200, dialer, released_by)
    assert (heard.attempt.status, heard.attempt.transport, heard.attempt.released_by) == (200, carrier, released_by)


# Races and refusals.


def test_a_second_200_from_a_fork_is_hung_up_and_the_first_keeps_the_call(dials: Callable[..., Heard]) -> None:
    heard = dials("uac", Carrier("uas-forked"), options=("-d", "500"))
    assert (heard.call.status, heard.call.released_by) == (200, "dialer")
    assert (heard.attempt.status, heard.attempt.released_by) == (200, "dialer")


def test_a_bye_before_the_ack_ends_the_call_and_the_200_is_not_repeated(dials: Callable[..., Heard]) -> None:
    """With T1 at 500 ms a 200 that went on waiting for its ACK would keep the node busy for 32 s, longer than we wait here."""
    heard = dials("uac-bye-before-ack", ANSWERS, sip="t1_ms = 500")
    assert (heard.call.status, heard.call.released_by, heard.attempt.status) == (200, "dialer", 200)


def test_byes_that_cross_end_the_call_once(dials: Callable[..., Heard]) -> None:
    heard = dials("uac", Carrier("uas-bye-crossing"))
    assert (heard.call.status, heard.call.released_by, heard.attempt.released_by) == (200, "dialer", "dialer")


def test_a_block_by_analytics_is_told_as_one(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-608", Carrier("uas-603-analytics"))
    assert (heard.call.status, heard.call.result, heard.call.attempts, heard.attempt.status) == (608, "blocked", 1, 603)
    assert heard.attempt.evidence == "analytics block"


def test_a_dialer_is_not_hung_up_on_before_its_ack(dials: Callable[..., Heard]) -> None:
    heard = dials("uac-slow-ack", Carrier("uas-hangs-up", ("-d", "1")), sip="t1_ms = 500")
    assert (heard.call.status, heard.call.released_by, heard.attempt.status) == (200, "carrier", 200)
