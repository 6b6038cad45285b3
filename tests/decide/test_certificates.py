"""Calls from carriers wait for the certificate of their signer: on a virtual clock, with certificates of a lab's authority."""

import time
from pathlib import Path

import pytest

import trunkline.decide.waiting as waiting_module
from tests.decide.stage import CARRIERS, START_S, Stage
from trunkline.numbers import Attestor, ClockCheck, Level, slot
from trunkline.numbers.lab_ca import Issued, LabCa
from trunkline.policy import load_policy

X5U = "https://certificates.example.org/%s.pem"
POLICY = """
tenants: {acme: {}}
trunks:
  office: {tenant: acme, addresses: [10.0.0.1], host: "10.0.0.1:5060"%s}
carriers:
  a: {gateways: {g: {host: "10.1.0.1", addresses: [10.1.0.1], options: 0}}}
destinations: {us: {prefixes: ["1"], routes: [{to: a}]}}
dids: {"+14155550100": {trunks: [office]}}
attestation: {clock: trusted, roots: roots.pem, hosts: [certificates.example.org]%s}
"""
CALLER, CALLED = "+12125550123", "+14155550100"


class Judging(Stage):
    """A node that believes the lab's authority."""

    def __init__(self, folder: Path, authority: LabCa, issued: Issued, wait: str = "", trunk: str = "") -> None:
        (folder / "roots.pem").write_bytes(authority.root)
        self.at_s = int(time.time())
        super().__init__(POLICY % (trunk, wait), self.at_s * 1_000_000, folder)
        self.attestations = self.core.decisions.attestations
        self.attestations.vouch(self.at_s)
        self.issued = issued

    def arrives(self, name: str = "lab", signed: bool = True) -> str:
        """A call from the carrier, signed with the certificate of that name."""
        clock = ClockCheck()
        clock.compared(0.0, "test", self.at_s)
        identity = Attestor({"far": slot(X5U % name, self.issued.key)}, None, clock, "far").sign(Level.A, "far", "trunk", CALLER, CALLED, self.at_s)
        return self.invite(CALLED, "10.1.0.1", CARRIERS, CALLER, f"Identity: {identity}\r\n" if signed else "")

    def fetched(self, pem: bytes | None, name: str = "lab") -> None:
        self.attestations.fetched(X5U % name, pem)
        self.turn()

    def verstats(self) -> list[str]:
        return [decision.verstat for decision in self.decisions()]


def test_the_first_call_of_a_signer_is_judged_and_the_next_waits_for_nothing(tmp_path: Path, authority: LabCa, issued: Issued) -> None:
    on = Judging(tmp_path, authority, issued)
    first = on.arrives()
    on.run(0.3)
    assert on.told[first] == [100]
    assert on.attestations.wanted == {X5U % "lab"}
    assert not on.invites()
    on.fetched(issued.chain)
    assert on.verstats() == ["TN-Validation-Passed"]
    assert ";verstat=TN-Validation-Passed@" in on.sent[-1][2].fields["From"][0]
    on.arrives()
    assert on.verstats() == ["TN-Validation-Passed"] * 2
    assert [fact.direction for fact in on.parked()] == ["inbound"]
    on.check_clean()
    assert [fact.direction for fact in on.calls()] == ["inbound"] * 2


def test_a_server_that_is_silent_costs_the_deadline_and_the_call_goes_on_unjudged(tmp_path: Path, authority: LabCa, issued: Issued) -> None:
    on = Judging(tmp_path, authority, issued)
    on.arrives()
    on.run(0.5)
    on.arrives()
    assert not on.invites()
    on.run(0.55)
    assert [at for at, _ in on.invites()] == pytest.approx([1.0, 1.0], abs=0.025), "the wait counts from the first call that wanted it"
    assert on.verstats() == ["No-TN-Validation"] * 2
    on.run(0.5)
    on.arrives()
    assert len(on.invites()) == 3, "later calls do not wait for what did not come"
    assert ";verstat=No-TN-Validation@" in on.sent[-1][2].fields["From"][0]
    on.fetched(issued.chain)
    on.arrives()
    assert on.verstats()[-1] == "TN-Validation-Passed"
    on.check_clean()


def test_a_fetch_that_fails_releases_its_calls_at_once(tmp_path: Path, authority: LabCa, issued: Issued) -> None:
    on = Judging(tmp_path, authority, issued)
    on.behaviour = "180 Ringing"
    calls = [on.arrives() for _ in range(3)]
    on.run(0.1)
    on.fetched(None)
    assert [at for at, _ in on.invites()] == [0.1] * 3
    assert on.verstats() == ["TN-Validation-Failed"] * 3
    on.run(0.5)
    assert all(on.headers[call].fields["Reason"][0].startswith("STIR;cause=436") for call in calls)
    assert not on.core.decisions.waiting.held


def test_several_calls_waiting_for_one_certificate_are_one_fetch_and_go_in_order(tmp_path: Path, authority: LabCa, issued: Issued) -> None:
    on = Judging(tmp_path, authority, issued)
    calls = [on.arrives() for _ in range(20)]
    other = on.arrives("other")
    assert on.attestations.wanted == {X5U % "lab", X5U % "other"}
    on.fetched(issued.chain)
    assert [decision.call for decision in on.decisions()] == [parked.call for parked in on.parked()][:20]
    assert on.told[other] == [100]
    assert len(calls) == len(on.invites()) == 20
    on.check_clean()


def test_with_a_wait_of_0_no_call_waits(tmp_path: Path, authority: LabCa, issued: Issued) -> None:
    on = Judging(tmp_path, authority, issued, ", wait: 0s")
    on.arrives()
    assert on.verstats() == ["No-TN-Validation"]
    assert on.attestations.wanted == {X5U % "lab"}
    assert not on.parked()
    on.check_clean()


def test_who_is_not_signed_does_not_wait(tmp_path: Path, authority: LabCa, issued: Issued) -> None:
    on = Judging(tmp_path, authority, issued)
    on.arrives(signed=False)
    assert on.verstats() == ["No-TN-Validation"]
    assert not on.parked()
    on.check_clean()


def test_a_call_that_waits_holds_one_channel_and_one_turn_of_its_trunk(tmp_path: Path, authority: LabCa, issued: Issued) -> None:
    on = Judging(tmp_path, authority, issued, trunk=", channels: 2, cps: 2")
    on.behaviour = ""
    calls = [on.arrives() for _ in range(3)]
    assert on.core.limits.used["trunk office"] == 2
    assert on.told[calls[2]][-1] >= 400
    on.fetched(issued.chain)
    assert on.core.limits.used["trunk office"] == 2
    assert on.core.limits._due["trunk office"] == pytest.approx(START_S + 1.0)
    assert len(on.invites()) == 2
    on.check_clean()


def test_a_caller_who_hangs_up_while_waiting_leaves_nothing(tmp_path: Path, authority: LabCa, issued: Issued) -> None:
    on = Judging(tmp_path, authority, issued, trunk=", channels: 5")
    call = on.arrives()
    n = call.partition("@")[0].removeprefix("call-")
    request = (
        f"CANCEL sip:{CALLED}@{CARRIERS.host} SIP/2.0\r\nVia: SIP/2.0/UDP 10.1.0.1:5060;branch=z9hG4bK{n};rport\r\nMax-Forwards: 70\r\n"
        f"From: <sip:{CALLER}@10.1.0.1>;tag=f{n}\r\nTo: <sip:{CALLED}@{CARRIERS.host}>\r\nCall-ID: {call}\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n"
    )
    on.core.receive(request.encode(), on.core.board.arrivals.waiting[on.parked()[0].call].transaction.flow, on.now)
    on.turn()
    assert on.told[call] == [100, 487]
    on.fetched(issued.chain)
    assert not on.invites()
    on.check_clean()


def test_a_policy_with_other_roots_lets_those_go_that_wait(tmp_path: Path, authority: LabCa, issued: Issued) -> None:
    on = Judging(tmp_path, authority, issued)
    on.arrives()
    on.run(0.1)
    on.change("\n".join(line for line in (POLICY % ("", "")).splitlines() if not line.startswith("attestation")))
    on.turn()
    assert [at for at, _ in on.invites()] == [0.1]
    assert on.verstats() == [""]
    on.check_clean()


def test_no_more_calls_wait_than_the_bound(tmp_path: Path, authority: LabCa, issued: Issued, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "MOST_CALLS", 3)
    on = Judging(tmp_path, authority, issued)
    for _ in range(5):
        on.arrives()
    assert len(on.core.board.arrivals.waiting) == 3
    assert on.verstats() == ["No-TN-Validation"] * 2
    on.fetched(issued.chain)
    assert on.verstats()[2:] == ["TN-Validation-Passed"] * 3
    on.arrives("next")
    assert len(on.core.board.arrivals.waiting) == 1, "there is room again"
    on.check_clean()


def test_a_wait_longer_than_callers_bear_is_no_policy(tmp_path: Path) -> None:
    found = load_policy(POLICY % ("", ", wait: 6s"), base=tmp_path)
    assert isinstance(found, list)
    assert any("5 s at most" in problem.message for problem in found), found
