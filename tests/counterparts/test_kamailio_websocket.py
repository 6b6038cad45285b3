"""Kamailio (Debian) as the WebSocket edge: phones reach it over WebSocket, Trunkline reaches it over UDP.

Kamailio's websocket module is a server: it opens no connection itself, and neither does Trunkline, so the two cannot meet on a WebSocket.
What they do together is what a site with an edge proxy does: the browser's phone registers and calls through Kamailio, which writes where
the phone's connection is into its Contact (`alias`) and records two routes, one per transport. Trunkline has to send every request of the
dialog along both and keep Contacts that no resolver knows.
"""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.counterparts.phones import Phone, loopback, until
from tests.counterparts.serving import ServedNode, missing, needs

pytestmark = pytest.mark.counterpart

MODULES = Path("/usr/lib/x86_64-linux-gnu/kamailio/modules")
PASSWORD = "a-long-enough-secret"

CONFIG = """
debug=1
log_stderror=yes
children=1
auto_aliases=no
listen=udp:EDGE:5060
listen=tcp:EDGE:8080
tcp_children=2
tcp_accept_no_cl=yes

loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "nathelper.so"
loadmodule "xhttp.so"
loadmodule "websocket.so"

request_route {
	if (!mf_process_maxfwd_header("10")) {
		sl_send_reply("483", "Too Many Hops");
		exit;
	}
	if ($proto == "ws") {
		force_rport();
		add_contact_alias();
	}
	t_on_reply("FROM_PHONE");
	if (is_method("CANCEL")) {
		if (t_check_trans()) t_relay();
		exit;
	}
	if (has_totag()) {
		loose_route();
		if ($proto == "udp") handle_ruri_alias();
		t_relay();
		exit;
	}
	if (is_method("INVITE")) record_route();
	if ($proto == "ws") {
		$du = "sip:TRUNKLINE:5060";
	} else if (!handle_ruri_alias()) {
		sl_send_reply("404", "Not Here");
		exit;
	}
	if (!t_relay()) sl_reply_error();
}

onreply_route[FROM_PHONE] {
	if ($proto == "ws") add_contact_alias();
}

event_route[xhttp:request] {
	if ($hdr(Upgrade) =~ "websocket" && ws_handle_handshake()) exit;
	xhttp_reply("404", "Not Found", "", "");
}
"""

POLICY = """
tenants: {lab: {}}
trunks:
  alice:
    tenant: lab
    registers: true
    auth: {user: alice, password: "env:ALICE"}
    number_plan: {min_digits: 3}
carriers:
  carrier: {gateways: {main: {host: "CARRIER:5060", options: 0, addresses: [CARRIER]}}}
destinations:
  everywhere: {prefixes: [""], strategy: priority, routes: [{to: carrier}]}
dids:
  "+14155550199": {trunks: [alice]}
"""


class Edge:
    """Phone, Kamailio, Trunkline, carrier, in a row."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.at, self.edge_at, self.carrier_at = loopback(), loopback(), loopback()
        doors = [("trunks", "udp", f"{self.at}:5060"), ("carriers", "udp", f"{self.at}:5080"), ("registrations", "ws", f"{self.at}:8080")]
        self.node = ServedNode(folder / "node", self._placed(POLICY), doors)
        self.carrier = Phone(user="carrier")
        self.log = folder / "kamailio.log"

    def _placed(self, text: str) -> str:
        return text.replace("TRUNKLINE", self.at).replace("EDGE", self.edge_at).replace("CARRIER", self.carrier_at)

    async def phone(self, password: str = PASSWORD) -> Phone:
        return await Phone(user="alice", password=password).websocket(f"ws://{self.edge_at}:8080/")

    @asynccontextmanager
    async def kamailio(self) -> AsyncIterator[None]:
        program = needs("kamailio")
        if not (MODULES / "websocket.so").exists():
            missing("kamailio-websocket-modules is not installed (make counterparts)")
        config = self.folder / "kamailio.cfg"
        config.write_text(self._placed(CONFIG))
        with self.log.open("wb") as log:
            argv = [program, "-f", str(config), "-DD", "-E", "-m", "64", "-M", "8", "-w", str(self.folder), "-Y", str(self.folder)]
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            for _ in range(500):
                assert process.poll() is None, self.log.read_text()
                try:
                    _, writer = await asyncio.open_connection(self.edge_at, 8080)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    await writer.wait_closed()
                    break
            yield
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 10)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Edge"]:
        await self.carrier.udp(self.carrier_at, 5060, (self.at, 5080))
        try:
            async with self.kamailio():
                await self.node.start(ALICE=PASSWORD)
                yield self
                await until(self.node.is_clean, 20, f"the node is clean: {self.node.ask('status')}")
                self.node.stop()
        except BaseException:
            print(self.log.read_text()[-3000:] if self.log.exists() else "")
            raise
        finally:
            if self.node.process is not None and self.node.process.poll() is None:
                self.node.kill()
            await self.carrier.close()


def test_a_phone_behind_kamailio_registers_calls_and_is_called(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Edge(tmp_path).running() as edge:
            phone = await edge.phone()
            assert phone.subprotocol == "sip"
            assert await phone.register(f"{edge.at}:5060") == 200

            out = phone.invite("14155550123", f"{edge.at}:5060")
            await until(lambda: out.status == 200, 20, "the phone's call is answered")
            assert 180 in out.provisional
            assert out.final is not None
            assert ",".join(out.final.every("Record-Route")).count(edge.edge_at) == 2, "Kamailio is in the dialog, once per transport"
            await until(lambda: [call.acked for call in edge.carrier.calls.values()] == [True], 20, "ACK reaches the carrier")
            await out.hang_up()
            assert out.ended_at
            await until(lambda: all(call.bye_at for call in edge.carrier.calls.values()), 20, "BYE reaches the carrier")

            out = phone.invite("14155550124", f"{edge.at}:5060")
            await until(lambda: out.status == 200, 20, "answered")
            theirs = next(call for call in edge.carrier.calls.values() if not call.bye_at)
            await until(lambda: theirs.acked, 20, "ACK")
            await theirs.hang_up()
            await until(lambda: out.bye_at, 20, "the carrier's BYE goes by Trunkline and Kamailio to the phone")

            called = edge.carrier.invite("14155550199", f"{edge.at}:5080")
            await until(lambda: called.status == 200, 20, "the phone answers an inbound call")
            assert 180 in called.provisional
            here = next(call for call in phone.calls.values() if not call.ours)
            assert here.uri.startswith(f"sip:alice@{phone.sent_by}"), "Request-URI is the registered contact, Kamailio's alias taken off again"
            assert here.invite is not None
            assert [via.split()[0] for via in here.invite.every("Via")] == ["SIP/2.0/WS", "SIP/2.0/UDP"]
            await until(lambda: here.acked, 20, "ACK reaches the phone by both routes")
            await called.hang_up()
            assert called.ended_at
            await until(lambda: here.bye_at, 20, "BYE reaches the phone by both routes")

            called = edge.carrier.invite("14155550199", f"{edge.at}:5080")
            await until(lambda: called.status == 200, 20, "answered")
            here = next(call for call in phone.calls.values() if not call.ours and not call.bye_at)
            await until(lambda: here.acked, 20, "ACK")
            await here.hang_up()
            assert here.ended_at
            await until(lambda: called.bye_at, 20, "the phone's BYE reaches the carrier")
            await phone.close()
            await until(lambda: len(edge.node.records()) >= 4, 20, "four records")
            assert [(record.direction, record.status) for record in edge.node.records()] == [("outbound", 200)] * 2 + [("inbound", 200)] * 2

    asyncio.run(scenario())


def test_a_call_that_the_caller_cancels_stops_ringing_behind_kamailio(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Edge(tmp_path).running() as edge:
            phone = await edge.phone()
            phone.behaviour = "ring"
            assert await phone.register(f"{edge.at}:5060") == 200
            called = edge.carrier.invite("14155550199", f"{edge.at}:5080")
            await until(lambda: 180 in called.provisional, 20, "it rings")
            await called.cancel()
            await until(lambda: called.status == 487, 20, "the carrier hears 487")
            (here,) = phone.calls.values()
            await until(lambda: here.cancel_at, 20, "CANCEL reaches the phone")
            await phone.close()

    asyncio.run(scenario())


def test_a_wrong_password_is_refused_through_kamailio(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Edge(tmp_path).running() as edge:
            phone = await edge.phone("another-long-secret")
            assert await phone.register(f"{edge.at}:5060") == 403
            phone.password = ""
            call = phone.invite("14155550123", f"{edge.at}:5060")
            await until(lambda: call.status, 20, "an answer")
            assert call.status == 401, "no registration, no credentials: challenged, and no further"
            assert not edge.carrier.calls
            await phone.close()

    asyncio.run(scenario())


def test_a_phone_whose_connection_to_kamailio_is_gone_leaves_nothing_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Edge(tmp_path).running() as edge:
            phone = await edge.phone()
            assert await phone.register(f"{edge.at}:5060") == 200
            out = phone.invite("14155550123", f"{edge.at}:5060")
            await until(lambda: out.status == 200, 20, "answered")
            (theirs,) = edge.carrier.calls.values()
            await until(lambda: theirs.acked, 20, "ACK")
            await phone.close()
            await theirs.hang_up()
            assert theirs.ended_at, "the carrier is answered whatever becomes of the phone"
            await until(edge.node.is_clean, 20, "the BYE to the phone is given up")
            gone = edge.carrier.invite("14155550199", f"{edge.at}:5080")
            await until(lambda: gone.status, 20, "an answer")
            assert gone.status >= 400
            await until(lambda: len(edge.node.records()) >= 2, 20, "a record of each call")
            (record,) = [record for record in edge.node.records() if record.direction == "inbound"]
            assert (record.status, record.attempts) == (gone.status, 1)

    asyncio.run(scenario())
