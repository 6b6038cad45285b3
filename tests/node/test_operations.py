"""What goes wrong when a node is run: bad files, bad numbers, bad far ends. Each is refused in words that name the fix, and harms no call."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.counterparts.phones import Phone, loopback, until
from tests.counterparts.serving import ServedNode
from trunkline.facts.record import Alarm, PolicyApplied
from trunkline.facts.refusal import CATALOGUE

pytestmark = pytest.mark.sockets

SECRET = "quite-a-long-secret"
POLICY = """
tenants: {lab: {}}
trunks:
  dialer: {tenant: lab, addresses: [DIALER], number_plan: {country_code: "1", min_digits: 3}}
carriers:
  first: {gateways: {main: {host: "FIRST", options: 0, timers: {no_response: 1500ms}MORE}}}
  second: {gateways: {main: {host: "SECOND", options: 0, timers: {no_response: 1500ms}}}}
destinations:
  us: {prefixes: ["1"], strategy: priority, routes: [{to: first}, {to: second}]}
  premium: {prefixes: ["1900"], strategy: priority, routes: [{to: first}]}
"""


class Lab:
    """Addresses of one test, a dialer, two carriers and a node between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.at, self.dialer_at, self.first_at, self.second_at = (loopback() for _ in range(4))
        self.dialer, self.first, self.second = (Phone(user=name) for name in ("dialer", "first", "second"))
        self.node = self.node_with(self.policy())

    def policy(self, first: str = "", more: str = "", text: str = POLICY) -> str:
        for name, value in (("DIALER", self.dialer_at), ("FIRST", first or self.first_at), ("SECOND", self.second_at), ("MORE", more)):
            text = text.replace(name, value)
        return text

    def node_with(self, policy: str, folder: str = "node", **node: object) -> ServedNode:
        doors = [("trunks", "udp", f"{self.at}:5060"), ("trunks", "tcp", f"{self.at}:5060"), ("carriers", "udp", f"{self.at}:5080"), ("carriers", "tcp", f"{self.at}:5080")]
        self.node = ServedNode(self.folder / folder, policy, doors, t1_ms=100, **node)
        return self.node

    @asynccontextmanager
    async def running(self, **environment: str) -> AsyncIterator[ServedNode]:
        await self.dialer.udp(self.dialer_at, 5060, (self.at, 5060))
        await self.first.udp(self.first_at, 5060, (self.at, 5080))
        await self.second.udp(self.second_at, 5060, (self.at, 5080))
        try:
            await self.node.start(**environment)
            yield self.node
            await until(self.node.is_clean, 20, f"the node is clean: {self.node.ask('status')}")
            self.node.stop()
        finally:
            if self.node.process is not None and self.node.process.poll() is None:
                self.node.kill()
            for phone in (self.dialer, self.first, self.second):
                await phone.close()


def command(folder: Path, *words: str, code: int, **environment: str) -> str:
    """What a command that must end with `code` says, to both outputs."""
    argv = [sys.executable, "-m", "trunkline", *words]
    done = subprocess.run(argv, cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    assert done.returncode == code, said
    assert done.stderr if code else done.stdout, "a failure is told to standard error"
    return said


async def command_beside(folder: Path, *words: str, code: int, **environment: str) -> str:
    """The same while phones go on."""
    return await asyncio.to_thread(lambda: command(folder, *words, code=code, **environment))


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]


# Files.


def test_a_broken_policy_is_refused_by_check_with_line_and_fix(tmp_path: Path) -> None:
    policy = Lab(tmp_path).policy().replace("{to: second}", "{to: secnd}")
    (tmp_path / "policy.yaml").write_text(policy)
    said = command(tmp_path, "policy", "check", "policy.yaml", code=1)
    line = next(number for number, text in enumerate(policy.splitlines(), 1) if "secnd" in text)
    assert re.match(rf"policy\.yaml:line {line}, column \d+: destinations\.us\.routes\[1\]\.to: no carrier or gateway `secnd`; did you mean `second`\?", said), said


def test_every_fault_of_a_policy_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(Lab(tmp_path).policy().replace("{to: second}", "{to: secnd}").replace("tenant: lab", "tenant: lap").replace("strategy", "strtegy"))
    said = command(tmp_path, "policy", "check", "policy.yaml", code=1).splitlines()
    assert len(said) >= 2, said
    assert all(re.match(r"policy\.yaml:line \d+, column \d+: .+; .+", line) for line in said), said


def test_a_broken_policy_does_not_start_a_node(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    node = lab.node_with(lab.policy().replace("{to: second}", "{to: secnd}"))
    said = command(node.folder, "serve", code=2)
    assert re.search(r"policy\.yaml:line \d+, column \d+: .*did you mean `second`\?", said), said


def test_a_policy_file_that_is_not_there_does_not_start_a_node(tmp_path: Path) -> None:
    node = Lab(tmp_path).node
    (node.folder / "policy.yaml").unlink()
    assert "policy.yaml: cannot be read: No such file or directory" in command(node.folder, "serve", code=2)


def test_without_settings_the_first_words_are_where_to_find_some(tmp_path: Path) -> None:
    said = command(tmp_path, "serve", code=2)
    assert "trunkline.toml: No such file or directory" in said
    assert "README.md" in said
    assert "--settings" in said
    assert "Run it" in (Path(__file__).parents[2] / "README.md").read_text(), "the place it names"


def test_every_command_that_an_error_names_exists(tmp_path: Path) -> None:
    known = set(re.findall(r"^\W*(\w+)", command(tmp_path, "--help", code=0), re.MULTILINE))
    sources = (Path(__file__).parents[2] / "src" / "trunkline").rglob("*.py")
    named = {word for source in sources for word in re.findall(r"`trunkline (\w+)", source.read_text())}
    assert named
    assert named <= known, named - known


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("[sip]\nt1_ms = 0", "$.sip.t1_ms"),
        ("[sip]\nt1_ms = -5", "$.sip.t1_ms"),
        ("[sip]\nt1_ms = 'fast'", "$.sip.t1_ms"),
        ("[sip]\ndigest = []", "$.sip.digest"),
        ("[sip]\nnameservers = ['dns.example']", "'dns.example' is no IP address"),
        ("[node]\nnmae = 'x'", "unknown field `nmae`"),
        ("[node", "not TOML"),
        ("[[listen]]\nfor = 'trunk'", "one of trunks, carriers, registrations"),
        ("[[listen]]\nfor = 'trunks'\ntransport = 'sctp'", "one of udp, tcp, tls, ws, wss"),
        ("[[listen]]\nfor = 'trunks'\naddress = '5060'", "give IP and port, such as 0.0.0.0:5060"),
        ("[[listen]]\nfor = 'trunks'\naddress = 'localhost:5060'", "give IP and port, such as 0.0.0.0:5060"),
        ("[[listen]]\nfor = 'trunks'\naddress = '::1:5060'", "give IP and port, such as 0.0.0.0:5060 or [::]:5060"),
        ("[[listen]]\nfor = 'trunks'\nadvertised = 'https://sip.example.org'", "give a host or host:port, IPv6 in brackets"),
        ("[[listen]]\nfor = 'trunks'\nadvertised = '2001:db8::1'", "give a host or host:port, IPv6 in brackets"),
        ("[[listen]]\nfor = 'trunks'\naddress = '192.0.2.77:5060'", "this machine has no such address"),
        ("[[listen]]\nfor = 'trunks'\ntransport = 'tls'\naddress = '127.0.0.1:0'", "set [tls] certificate and key"),
        ("[[listen]]\nfor = 'trunks'\nmedia = 'wan'", "no such [[media.interface]]; there are none"),
        ("[[listen]]\nfor = 'trunks'\n[[listen]]\nfor = 'carriers'", "two doors by UDP there"),
        ("[node]\ndata = 'policy.yaml'", "set [node] data to a directory"),
    ],
)
def test_wrong_settings_name_their_place(settings: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(Lab(tmp_path).policy())
    (tmp_path / "trunkline.toml").write_text(settings)
    assert says in command(tmp_path, "serve", code=2)


def test_settings_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "trunkline.toml").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8 text" in command(tmp_path, "serve", code=2)


AUTH = ', auth: {user: acme, password: "env:ACME_SECRET"}'


def test_a_secret_missing_from_the_environment_names_itself(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    node = lab.node_with(lab.policy(more=AUTH))
    for words, code in ((("policy", "check"), 1), (("serve",), 2)):
        said = command(node.folder, *words, code=code, ACME_SECRET="")
        assert "carriers.first.gateways.main.auth.password: the environment has no ACME_SECRET; set ACME_SECRET before starting" in said, said
    assert "good" in command(node.folder, "policy", "check", code=0, ACME_SECRET=SECRET)


# Two of a kind.


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_port_in_use_is_named_with_its_door(transport: str, tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM) as taken:
        taken.bind((lab.at, 5060))
        if transport == "tcp":
            taken.listen()
        said = command(lab.node.folder, "serve", code=2)
    assert f"cannot listen on {transport} {lab.at}:5060 (trunks-{transport}-" in said
    assert "the port is in use; stop the other program or change [[listen]] address" in said


def test_a_second_node_on_the_same_data_directory_is_turned_away(tmp_path: Path) -> None:
    lab = Lab(tmp_path)

    async def scenario() -> None:
        first = lab.node_with(lab.policy(), data=str(tmp_path / "data"))
        async with lab.running():
            lab.at = loopback()
            second = lab.node_with(lab.policy(), "second", data=str(tmp_path / "data"))
            lab.node = first
            said = await command_beside(second.folder, "serve", code=2)
            assert f"{tmp_path / 'data'}: another node runs with this data directory; stop it or set [node] data" in said
            assert first.ask("status")["admitting"], "the first does not notice"

    run(scenario)


# Far ends.


async def fails_over(lab: Lab, within_s: float, evidence: str) -> None:
    """The first route does not work; a call to `us` goes on to the second, one with no other route is told so."""
    async with lab.running() as node:
        began = time.monotonic()
        call = lab.dialer.invite("14155550123", "node")
        await until(lambda: call.status, 20, "an answer")
        assert call.status == 200
        assert time.monotonic() - began < within_s
        await call.hang_up()
        await until(lambda: all(each.bye_at for each in lab.second.calls.values()), 20, "BYE at the second carrier")
        lost = lab.dialer.invite("19005550123", "node")
        await until(lambda: lost.status, 20, "an answer")
        assert lost.status == 502, "a bad gateway, and not what a dialer takes for a dead number"
        assert lost.final is not None
        assert CATALOGUE["routing.exhausted"].code in lost.final.get("Warning")
        await until(lambda: len(node.records()) >= 2, 20, "a record of each call")
        first, second, third = node.attempts()
        assert {(each.carrier, each.outcome, each.evidence, each.status) for each in (first, third)} == {("first", "route", evidence, 0)}
        assert (second.carrier, second.outcome, second.position) == ("second", "answered", 2)
        answered, failed = node.records()
        assert (answered.status, answered.attempts, answered.carrier) == (200, 2, "second")
        assert (failed.status, failed.attempts, failed.result, failed.refusal) == (502, 1, "unreachable", "routing.exhausted")


def test_a_gateway_whose_port_is_closed_loses_the_call_to_the_next(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.node_with(lab.policy(f"{lab.first_at}:5999"))  # nobody there: the kernel answers with ICMP
    run(lambda: fails_over(lab, 6.0, "no response"))


def test_a_gateway_that_never_answers_loses_the_call_to_the_next(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind((lab.first_at, 5999))
        lab.node_with(lab.policy(f"{lab.first_at}:5999"))
        run(lambda: fails_over(lab, 6.0, "no response"))
        assert deaf.recv(65536).startswith(b"INVITE"), "it was asked"


def test_a_gateway_that_refuses_connections_loses_the_call_at_once_and_alarms(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.node_with(lab.policy(f"{lab.first_at}:5999", ", transport: tcp").replace("no_response: 1500ms}, transport", "no_response: 30s}, transport"))
    run(lambda: fails_over(lab, 6.0, "status 503"))
    alarms = [fact for fact in lab.node.facts() if isinstance(fact, Alarm) and fact.code == "transport.cannot_connect"]
    assert len(alarms) == 1, "once, not once a call"
    assert f"{lab.first_at}:5999" in alarms[0].subject


def test_a_node_pointed_at_itself_notices_the_loop_at_once(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.node_with(lab.policy(f"{lab.at}:5060").replace(f"[{lab.dialer_at}]", f"[{lab.dialer_at}, {lab.at}]"))

    async def scenario() -> None:
        async with lab.running() as node:
            began = time.monotonic()
            call = lab.dialer.invite("19005550123", "node")
            await until(lambda: call.status, 20, "an answer")
            assert time.monotonic() - began < 6, "by its marks, not by a timer"
            assert call.status == 482
            await until(lambda: any(record.attempts and record.dialer_call_id == call.call_id for record in node.records()), 20, "the record of the dialer's call")
            attempts, records = node.attempts(), node.records()
            assert len(attempts) <= 2, "the number may be written otherwise when it comes back, but not twice"
            assert {attempt.status for attempt in attempts} == {482}
            assert {(record.status, record.attempts, record.result) for record in records} == {(482, 1, "loop")}

    run(scenario)


# Callers.


def test_a_wrong_password_is_refused_and_no_carrier_hears_of_it(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.node_with(lab.policy().replace(f"addresses: [{lab.dialer_at}]", f"addresses: [{lab.dialer_at}], require_digest: true, auth: {{user: dialer, password: \"env:DIALER_SECRET\"}}"))

    async def scenario() -> None:
        async with lab.running(DIALER_SECRET=SECRET):
            lab.dialer.password = "a guess"
            wrong = lab.dialer.invite("14155550123", "node")
            await until(lambda: wrong.status, 20, "an answer")
            assert wrong.status == 403
            assert wrong.final is not None
            assert "guard.bad_credentials" in wrong.final.get("Warning")
            assert "compare it with the trunk's `auth`" in CATALOGUE["guard.bad_credentials"].text
            assert not lab.first.calls
            lab.dialer.password = SECRET
            right = lab.dialer.invite("14155550123", "node")
            await until(lambda: right.status, 20, "an answer")
            assert right.status == 200, "the same phone, once its password is right"
            await right.hang_up()

    run(scenario)


def test_a_number_no_destination_covers_is_told_so_and_recorded(tmp_path: Path) -> None:
    lab = Lab(tmp_path)

    async def scenario() -> None:
        async with lab.running() as node:
            call = lab.dialer.invite("442079460100", "node")
            await until(lambda: call.status, 20, "an answer")
            assert call.status == 502
            assert call.final is not None
            assert "routing.no_destination" in call.final.get("Warning")
            assert "add a prefix" in CATALOGUE["routing.no_destination"].text
            await until(node.records, 20, "a record")
            (record,) = node.records()
            assert (record.result, record.refusal, record.attempts, record.called_raw) == ("no_route", "routing.no_destination", 0, "442079460100")

    run(scenario)


INVITE = (
    "INVITE sip:14155550123@{node} SIP/2.0\r\nVia: SIP/2.0/{transport} {here};branch=z9hG4bK-two\r\nMax-Forwards: 70\r\nFrom: <sip:dialer@{here}>;tag=x\r\n"
    "To: <sip:14155550123@{node}>\r\nCall-ID: two-lengths\r\nCSeq: 1 INVITE\r\nContact: <sip:dialer@{here}>\r\n"
    "Content-Length: 0\r\nContent-Length: 7\r\n\r\n"
)


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_two_content_lengths_are_refused(transport: str, tmp_path: Path) -> None:
    """Over a stream nobody can tell where such a message ends, so the connection ends with it."""
    lab = Lab(tmp_path)

    async def scenario() -> None:
        async with lab.running() as node:
            await lab.dialer.close()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM) as dialer:
                dialer.bind((lab.dialer_at, 5060 if transport == "UDP" else 0))
                dialer.connect((lab.at, 5060))
                dialer.settimeout(15)
                here = "{}:{}".format(*dialer.getsockname())
                dialer.send(INVITE.format(node=f"{lab.at}:5060", here=here, transport=transport).encode())
                answer = dialer.recv(65536).decode()
                assert answer.startswith("SIP/2.0 400 "), answer
                assert "Content-Length" in answer.partition("\r\n")[0], "it says which header"
                if transport == "TCP":
                    assert dialer.recv(65536) == b"", "closed"
                else:
                    assert "two-lengths" in answer
                    dialer.send(INVITE.format(node=f"{lab.at}:5060", here=here, transport=transport).replace("INVITE", "ACK").encode())
            assert not lab.first.calls
            assert not node.records()

    run(scenario)


# Stopping.


def test_a_node_that_stops_takes_no_call_while_it_waits_for_goodbyes(tmp_path: Path) -> None:
    """A carrier that is gone does not answer the BYE; calls that come meanwhile would be cut off and on no record."""
    lab = Lab(tmp_path)

    async def scenario() -> None:
        async with lab.running() as node:
            up = lab.dialer.invite("14155550123", "node")
            await until(lambda: up.status == 200, 20, "answered")
            await lab.first.close()
            assert node.process is not None
            node.process.terminate()
            await until(lambda: up.bye_at, 20, "BYE at the dialer")
            await asyncio.sleep(0.3)
            assert node.process.poll() is None, "it waits for the carrier"
            late = lab.dialer.invite("14155550124", "node")
            await until(lambda: late.status, 20, "an answer")
            assert late.status == 503
            await asyncio.to_thread(node.process.wait, 30)
            assert not lab.second.calls
            assert [record.refusal for record in node.records()] == ["node.stopped"]
            await node.start()

    run(scenario)


# A policy for a node that runs.


def test_a_reload_does_not_drop_the_call_that_is_up(tmp_path: Path) -> None:
    """The new policy has neither the trunk nor the gateway of the call; both sides are still heard."""
    lab = Lab(tmp_path)

    async def scenario() -> None:
        async with lab.running() as node:
            theirs_up, ours_up = lab.dialer.invite("14155550123", "node"), lab.dialer.invite("14155550124", "node")
            await until(lambda: theirs_up.status == ours_up.status == 200, 20, "both answered")
            before = node.ask("status")["policy"]
            other = loopback()
            policy = lab.policy().replace(lab.dialer_at, other).replace("{to: first}, {to: second}", "{to: second}").replace("[{to: first}]", "[{to: second}]")
            policy = re.sub(r"  first: .*\n", "", policy)
            (tmp_path / "new.yaml").write_text(policy)
            said = await command_beside(tmp_path, "reload", "new.yaml", "--data", str(node.data), "--reason", "first is gone", code=0)
            status = node.ask("status")
            assert status["policy"] != before
            assert said == f"policy {status['policy']} is in force\n"
            assert status["calls"] == 2
            applied = [fact for fact in node.facts() if isinstance(fact, PolicyApplied)][-1]
            assert (applied.version, applied.reason) == (status["policy"], "first is gone")

            await ours_up.hang_up()
            assert ours_up.ended_at, "the dialer's BYE is heard although no trunk has its address any more"
            await until(lambda: any(call.bye_at for call in lab.first.calls.values()), 20, "BYE at the carrier")
            (theirs,) = [call for call in lab.first.calls.values() if not call.bye_at]
            await theirs.hang_up()
            assert theirs.ended_at, "and the carrier's, which is no carrier any more"
            await until(lambda: theirs_up.bye_at, 20, "BYE at the dialer")
            await until(lambda: len(node.records()) == 2, 20, "a record of each call")
            assert {record.policy for record in node.records()} == {before}, "they keep the policy they began with"

            newcomer = await Phone(user="newcomer").udp(other, 5060, (lab.at, 5060))
            call = newcomer.invite("14155550125", "node")
            await until(lambda: call.status, 20, "an answer")
            assert call.status == 200
            await call.hang_up()
            await newcomer.close()
            assert len(lab.second.calls) == 1, "a new call goes by the new policy"

    run(scenario)


def test_a_broken_policy_is_not_put_in_force(tmp_path: Path) -> None:
    """By command, by signal and over the control socket: the old one stays, the call stays, and the reason is told."""
    lab = Lab(tmp_path)

    async def scenario() -> None:
        async with lab.running() as node:
            call = lab.dialer.invite("14155550123", "node")
            await until(lambda: call.status == 200, 20, "answered")
            before = node.ask("status")["policy"]
            (node.folder / "policy.yaml").write_text(lab.policy().replace("{to: second}", "{to: secnd}"))

            said = await command_beside(node.folder, "reload", "policy.yaml", "--data", str(node.data), code=1)
            assert re.search(r"policy\.yaml:line \d+, column \d+: .*did you mean `second`\?", said), said
            with pytest.raises(AssertionError, match=r"policy not changed:.*did you mean `second`"):
                await asyncio.to_thread(node.ask, "reload")
            assert node.process is not None
            node.process.send_signal(signal.SIGHUP)
            await until(lambda: "policy not changed:" in node.log.read_text(), 20, "the signal's answer in the log")
            assert "did you mean `second`?" in node.log.read_text()

            status = node.ask("status")
            assert (status["policy"], status["calls"], status["admitting"]) == (before, 1, True)
            another = lab.dialer.invite("14155550124", "node")
            await until(lambda: another.status == 200, 20, "calls go on as before")
            await another.hang_up()
            await call.hang_up()
            assert call.ended_at

    run(scenario)


def test_a_reload_without_a_node_says_where_it_looked(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    assert "start `trunkline serve`, or give its --data DIR" in command(lab.node.folder, "reload", "--data", "nowhere", code=2)
