"""A served node whose relay carries audio between SIPp and baresip, with a wiretap on the wire."""

import asyncio
import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.counterparts.certificates import Authority
from tests.counterparts.phones import loopback, until
from tests.counterparts.serving import ServedNode, needs
from tests.counterparts.sipp import listening
from tests.counterparts.sipp_script import write
from tests.counterparts.speaking_baresip import SECRET, SpeakingBaresip
from tests.counterparts.wiretap import Wiretap
from tests.media.in_time import before_others
from trunkline.facts.record import LegAudio

NUMBER, TARGET = "14155550123", "14155550777"
FROM_ANYWHERE = "networks: [127.0.0.1/32]"
"For `media: {}` of a baresip: its audio socket is bound to no address, so what it sends comes from the loopback's first."

AT_THE_ENDS = 25
"Packets a far end may send before the node has read its answer, and while the call is being hung up; nobody hears those."


class AudioStage:
    """A node between a dialer at `dialer` and carriers at `first` and `second`. Everything ends with the `async with`."""

    def __init__(
        self, folder: Path, *, dialer: str = "", first: str = "", second: str = "", trunk: str = "", phone: bool = False, transport: str = "udp", studio: bool = False, gateways: str = ""
    ) -> None:
        """`dialer`, `first`, `second` are what stands in `media: {}` of each, `trunk` and `gateways` stand beside it; `phone` makes the dialer one that registers over `transport`."""
        for program in ("sipp", "baresip"):
            needs(program)
        self.folder = folder
        self.at, self.dialer, self.first, self.second = (loopback() for _ in range(4))
        self.authority = Authority(folder / "ca")
        self.transport = transport
        self.port = 5061 if transport == "tls" else 5060
        who = 'registers: true, auth: {user: alice, password: "env:ALICE"}' if phone else f"addresses: [{self.dialer}]"
        policy = (
            f"tenants: {{lab: {{}}}}\ntrunks:\n  dialer: {{tenant: lab, {who}, number_plan: {{min_digits: 3}}, media: {{{dialer}}}{trunk}}}\ncarriers:\n"
            + "".join(
                f'  {name}: {{gateways: {{main: {{host: "{host}:5060", addresses: ["{host}"], options: 0, session_expires: 0, media: {{{media}}}{gateways}}}}}}}\n'
                for name, host, media in (("first", self.first, first), ("second", self.second, second))
            )
            + f'destinations:\n  target: {{prefixes: ["{TARGET}"], routes: [{{to: second}}]}}\n'
            '  everywhere: {prefixes: [""], strategy: priority, routes: [{to: first}, {to: second}]}\n'
            + ('dids:\n  "+14155550199": {trunks: [dialer]}\n' if phone else "")
        )
        purpose = "registrations" if phone else "trunks"
        self.node = ServedNode(
            folder / "node", policy, [(purpose, transport, f"{self.at}:{self.port}"), ("carriers", "udp", f"{self.at}:5080")],
            f'{self.authority.settings(self.at)}[sip]\nt1_ms = 100\ndigest = ["MD5"]\n[media]\nengine = "relay"\n[[media.interface]]\nname = "lo"\naddress = "{self.at}"\n[studio]\nworkers = {int(studio)}\n',
        )  # fmt: skip
        self.wire = Wiretap(self.at, self.dialer, self.first, self.second)
        self._processes: list[tuple[str, subprocess.Popen[bytes], Path]] = []

    async def __aenter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(before_others())
            stack.enter_context(self.wire)
            await self.node.start(ALICE=SECRET)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for _, process, _ in self._processes:
            if process.poll() is None:
                process.terminate()
                process.wait()
        self._stack.close()
        if error is not None:
            print(*[log.read_text()[-3000:] for log in sorted(self.folder.glob("*/*_errors.log"))], sep="\n")
        await self.node.__aexit__(kind, error, trace)

    async def sipp(self, host: str, *steps: str, voice: bytes = b"", number: str = NUMBER, to: str = "", echo: bool = False) -> None:
        """Start a SIPp at `host`:5060 with this script; the dialer calls `number`, a carrier waits for one call, or calls where `to` says."""
        folder = self.folder / f"sipp-{host}"
        scenario = write(folder, *steps)
        (folder / "voice.ul").write_bytes(voice)
        to = to or (f"{self.at}:{self.port}" if host == self.dialer else "")
        whom = ["-s", number, to] if to else []
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [needs("sipp"), *whom, "-sf", str(scenario), "-i", host, "-mi", host, "-p", "5060", "-mp", "6000", *(["-rtp_echo"] if echo else []),
                 "-m", "1", "-nostdin", "-timeout", "90", "-recv_timeout", "20000", "-trace_err", "-trace_msg"],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
        self._processes.append((host, process, folder))
        if not to:
            await listening(host, 5060)

    async def all_ended(self) -> None:
        """Every SIPp came to the end of its script, and the node holds nothing. SIPp ends with 0 only when no message was missing or wrong."""
        for host, process, folder in self._processes:
            code = await asyncio.to_thread(process.wait, 90)
            assert code == 0, f"SIPp at {host} ended with {code}; see its log in {folder}"
        await until(self.node.is_clean, 20, "node clean")

    def messages(self, host: str) -> list[str]:
        """What SIPp at `host` sent and received, in order, each with SIPp's line about it."""
        (log,) = (self.folder / f"sipp-{host}").glob("*_messages.log")
        return log.read_text().replace("\r", "").split("-" * 47)

    def audio(self) -> dict[int, LegAudio]:
        """What the node wrote down of each leg's audio."""
        return {fact.leg: fact for fact in self.node.facts() if isinstance(fact, LegAudio)}

    def baresip(self, host: str, voice: Path, account: str = "", number: str = NUMBER, codec: str = "PCMU") -> SpeakingBaresip:
        """A baresip at `host` that plays `voice`: the registered phone at the dialer's, elsewhere one that answers as `number`."""
        if host == self.dialer:
            account = f"<sip:alice@{self.at}:{self.port};transport={self.transport}>;auth_user=alice;auth_pass={SECRET};regint=60;answermode=auto;audio_codecs={codec}{account}"
        else:
            account = f"<sip:+{number}@{host}>;regint=0;answermode=auto;audio_codecs={codec}{account}"
        folder = self.folder / f"baresip-{host}"
        return SpeakingBaresip(folder, account, host, self.authority.pem, self.authority.issue(host), voice)
