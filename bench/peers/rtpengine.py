"""rtpengine in user space, started by hand and spoken to in NG over UDP (JSON), as cheap as it can be made.

Kernel forwarding is off (`--table=-1`), nothing is logged or recorded. One thread was cheaper than its default of one per core (in runs
of 200 calls on two cores, 146,000 to 163,000 packets per CPU second against 107,000 to 132,000), and is the peer.
"""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from bench.peers.running import PeerError
from bench.ports import free_addresses

FIRST_PORT, LAST_PORT = 20_000, 29_998
SUITE = "AES_CM_128_HMAC_SHA1_80"
"Of SRTP, whatever else is offered."
START_S = 5.0
STOP_S = 10.0
REPLY_S = 1.0
TRIES = 10


class RtpEngine:
    """A daemon that answers."""

    def __init__(self, threads: int) -> None:
        program = shutil.which("rtpengine")
        if program is None:
            raise PeerError("rtpengine is missing: apt-get install rtpengine-daemon")
        ng = free_addresses(1)[0]
        self._cookies = count(1)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(REPLY_S)
        self._socket.connect(ng)
        self._process = subprocess.Popen(
            [
                program, "--config-file=none", "--foreground", "--table=-1", "--interface=127.0.0.1", f"--listen-ng={ng}",
                f"--port-min={FIRST_PORT}", f"--port-max={LAST_PORT}", "--log-stderr", "--log-level=2", f"--num-threads={threads}",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    @property
    def pids(self) -> list[int]:
        return [self._process.pid]

    def ask(self, command: str, **values: Any) -> dict[str, Any]:
        """Send one command and give its reply; repeated like any NG client does. Raises `PeerError`."""
        cookie = f"bench{next(self._cookies)}"
        request = f"{cookie} {json.dumps({'command': command, **values})}".encode()
        for _ in range(TRIES):
            if self._process.poll() is not None:
                raise PeerError(f"rtpengine ended with status {self._process.returncode}")
            try:
                self._socket.send(request)
                while True:
                    reply = self._socket.recv(65_536)
                    if reply.startswith(cookie.encode() + b" "):
                        break
            except TimeoutError:
                continue
            except ConnectionRefusedError:
                time.sleep(START_S / TRIES)
                continue
            found: dict[str, Any] = json.loads(reply.partition(b" ")[2])
            if found.get("result") not in ("ok", "pong"):
                raise PeerError(f"rtpengine refused {command}: {found}")
            return found
        raise PeerError(f"rtpengine does not answer {command}")

    def connect(self, name: str, caller: bytes, callee: bytes, *, secure: bool) -> tuple[bytes, bytes]:
        """Offer the caller's SDP and answer with the callee's; what callee and caller are told. Crypto lines are answered in kind."""
        about: dict[str, Any] = {"call-id": name, "from-tag": "caller", "ICE": "remove", "replace": ["origin"]}
        wish = {"transport-protocol": "RTP/SAVP"} if secure else {}
        offered = self.ask("offer", sdp=caller.decode(), **about, **wish)["sdp"]
        answered = self.ask("answer", sdp=answer_keys(callee.decode(), offered), **{"to-tag": "callee"}, **about)["sdp"]
        return offered.encode(), answered.encode()

    def stop(self) -> None:
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def answer_keys(answer: str, offer: str) -> str:
    """The answer under the key offered for `SUITE`, used in both directions: its bits are no secret here."""
    found = re.search(rf"a=crypto:\d+ {SUITE} [^\r\n]*", offer)
    if found is None:
        return answer
    return answer.replace("RTP/AVP", "RTP/SAVP") + found[0].partition("|")[0] + "\r\n"


def version() -> str:
    """The installed version; `missing` where there is none."""
    program = shutil.which("rtpengine")
    if program is None:
        return "missing"
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return (told.stdout + told.stderr).strip().removeprefix("Version: ")


@contextmanager
def daemon(threads: int = 1) -> Iterator[RtpEngine]:
    """Run one until the end of the block."""
    engine = RtpEngine(threads)
    try:
        engine.ask("ping")
        yield engine
    finally:
        engine.stop()
