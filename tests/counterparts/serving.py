"""A real node, as its own process, for tests over sockets."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.media.in_time import before_others
from trunkline.facts.record import Attempt, Call, Fact
from trunkline.records.read import Reading

PATIENT_MS = 10_000
"A node that waits for the processor is not one with too many calls."


def needs(program: str) -> str:
    """Path of a SIP program; without it the test is skipped loudly, under CI it fails."""
    found = shutil.which(program)
    if found is None:
        missing(f"{program} is not installed (make counterparts)")
    return found or ""


def missing(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(f"NOT TESTED: {why}")


def unable(why: str) -> None:
    """This machine does not let the test do what it needs (namespaces, mounts); no package would help."""
    pytest.skip(f"NOT TESTED: {why}")


class ServedNode:
    """`trunkline serve` in `folder`; `listen` is (purpose, transport, address) triples."""

    def __init__(self, folder: Path, policy: str, listen: list[tuple[str, str, str]], more: str = "", prefix: tuple[str, ...] = (), t1_ms: int = 100, **node: Any) -> None:
        self.folder = folder
        self.prefix = prefix
        folder.mkdir(parents=True, exist_ok=True)
        lines = ["[node]", 'name = "n1"', f"data = {json.dumps(str(node.pop('data', 'data')))}", 'policy = "policy.yaml"']
        node.setdefault("shed_at_ms", PATIENT_MS)
        lines += [f"{key} = {json.dumps(value)}" for key, value in node.items()]
        if "[sip]" not in more:
            lines += ["[sip]", f"t1_ms = {t1_ms}"]
        lines += [more]
        for purpose, transport, address in listen:
            lines += ["[[listen]]", f'for = "{purpose}"', f'transport = "{transport}"', f'address = "{address}"']
        (folder / "trunkline.toml").write_text("\n".join(lines) + "\n")
        (folder / "policy.yaml").write_text(policy)
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"

    @property
    def data(self) -> Path:
        import tomllib

        return self.folder / tomllib.loads((self.folder / "trunkline.toml").read_text())["node"]["data"]

    async def start(self, within_s: float = 90.0, **environment: str) -> "ServedNode":
        with self.log.open("ab") as log, before_others():
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", "trunkline", "serve", "--settings", str(self.folder / "trunkline.toml")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **environment},
            )  # fmt: skip
        deadline = time.monotonic() + within_s
        while True:
            with contextlib.suppress(OSError):
                self.ask("status")
                return self
            assert self.process.poll() is None, f"the node ended: {self.log.read_text()}"
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the node did not start: {self.log.read_text()}")
            await asyncio.sleep(0.02)

    def ask(self, do: str, **more: str) -> Any:
        """One request on the control socket. Raises OSError when nobody listens."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(30)
            # A socket path is at most 107 bytes long; pytest's folders are longer.
            folder = os.open(self.data, os.O_PATH)
            try:
                control.connect(f"/proc/self/fd/{folder}/control.sock")
            finally:
                os.close(folder)
            control.sendall(json.dumps({"do": do, **more}).encode() + b"\n")
            answer = json.loads(control.makefile("rb").readline())
        assert answer["ok"], answer
        return answer["result"]

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> str:
        """End it as systemd would; its log. A traceback in it fails the test."""
        log = ""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.terminate()
                try:
                    self.process.wait(60)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
                    raise
            log = self.log.read_text()
            assert "Traceback" not in log, log
        return log

    def facts(self) -> list[Fact]:
        return list(Reading(self.data / "journal"))

    def records(self) -> list[Call]:
        return [fact for fact in self.facts() if isinstance(fact, Call)]

    def attempts(self) -> list[Attempt]:
        return [fact for fact in self.facts() if isinstance(fact, Attempt)]

    def is_clean(self) -> bool:
        """No call, channel or open transaction."""
        status = self.ask("status")
        return not status["calls"] and not any(status["channels"].values()) and not status["transactions"]

    async def __aenter__(self) -> "ServedNode":
        return await self.start()

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if error is not None and self.process is not None:
            print(self.log.read_text()[-4000:])
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            return
        self.stop()


def simple_policy(trunk_at: str, carrier_at: str, gateway: str = "") -> str:
    """One dialer, one carrier, everything routed to it."""
    return f"""
tenants: {{lab: {{}}}}
trunks:
  dialer: {{tenant: lab, addresses: [{trunk_at}], number_plan: {{min_digits: 3}}}}
carriers:
  carrier:
    gateways:
      gateway: {{host: "{carrier_at}", options: 0, addresses: ["{carrier_at.partition(':')[0]}"]{', ' + gateway if gateway else ''}}}
destinations:
  everywhere: {{prefixes: [""], routes: [{{to: carrier}}]}}
"""
