"""SIPp as dialer and as carrier (`uac.xml`, `uas.xml`): an outside judge of whether every call went as it should."""

import csv
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.peers.running import PeerError
from bench.ports import Address, free_addresses
from bench.wire import FIRST_NUMBER


class Tally(NamedTuple):
    """What SIPp counted."""

    good: int
    failed: int
    retransmissions: int
    "Requests SIPp sent again; anything but 0 says that the peer or the machine could not keep up."


def program() -> str:
    """Find SIPp."""
    found = shutil.which("sipp")
    if found is None:
        raise PeerError("sipp is not installed: apt-get install sip-tester")
    return found


def arguments(scenario: str, at: Address, statistics: Path) -> list[str]:
    """Give what both sides of a call share on the command line."""
    argv = [program(), "-sf", str(Path(__file__).with_name(scenario)), "-i", at.host, "-p", str(at.port), "-nostdin"]
    return [*argv, "-trace_stat", "-stf", str(statistics), "-fd", "1"]


def tally(statistics: Path) -> Tally:
    """Read the last line of a statistics file, which holds the totals."""
    with statistics.open() as lines:
        last = list(csv.DictReader(lines, delimiter=";"))[-1]
    return Tally(int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"]), int(last["Retransmissions(C)"]))


class Carrier:
    """A SIPp that answers."""

    def __init__(self, address: Address, statistics: Path) -> None:
        self.address = address
        self._statistics = statistics

    def tally(self) -> Tally:
        """Count the calls so far; the file is written every second."""
        return tally(self._statistics)


@contextmanager
def carrier() -> Iterator[Carrier]:
    """Run a SIPp that answers every call at once."""
    with tempfile.TemporaryDirectory(prefix="bench-carrier-") as folder:
        (address,) = free_addresses(1)
        statistics = Path(folder) / "uas.csv"
        process = subprocess.Popen(
            arguments("uas.xml", address, statistics),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        try:
            wait_until_bound(address, process)
            yield Carrier(address, statistics)
        finally:
            process.kill()
            process.wait()


def wait_until_bound(address: Address, process: subprocess.Popen[bytes]) -> None:
    """Wait until someone listens at `address`: SIPp answers no OPTIONS, but the kernel lists its socket."""
    wanted = f":{address.port:04X} "
    deadline = time.monotonic() + 10
    while wanted not in Path("/proc/net/udp").read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise PeerError(f"SIPp did not start at {address}")
        time.sleep(0.02)


def dial(target: Address, calls: int, rate: float, hold_ms: int, first: int = 0) -> Tally:
    """Place `calls` calls at `rate` a second through `target`, each held `hold_ms`, and wait for the last.

    `first` is the index of the first number dialled. A run that takes 30 s too long is ended, its calls failed.
    """
    with tempfile.TemporaryDirectory(prefix="bench-dialer-") as folder:
        place = Path(folder)
        numbers = place / "numbers.csv"
        numbers.write_text("SEQUENTIAL\n" + "".join(f"{FIRST_NUMBER + first + index};\n" for index in range(calls)))
        statistics = place / "uac.csv"
        (address,) = free_addresses(1)
        argv = [*arguments("uac.xml", address, statistics), "-inf", str(numbers), "-m", str(calls), "-l", str(calls)]
        argv += ["-r", str(rate), "-d", str(hold_ms), str(target)]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
        try:
            process.wait(timeout=calls / rate + hold_ms / 1000 + 30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if not statistics.exists():
            raise PeerError("SIPp placed no call")
        counted = tally(statistics)
        return counted._replace(failed=calls - counted.good)
