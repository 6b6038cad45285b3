"""Running SIPp, bounded in calls and time."""

import subprocess
from pathlib import Path

from .phones import until
from .serving import needs

SCENARIOS = Path(__file__).parent / "scenarios"


def sipp(scenario: str, port: int, *options: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start SIPp with one of its own scenarios (`uac`, `uas`) or a file of ours."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = ["-sn", scenario] if scenario in ("uac", "uas") else ["-sf", str(SCENARIOS / f"{scenario}.xml")]
    with (folder / f"sipp-{port}.log").open("wb") as log:
        return subprocess.Popen(
            [needs("sipp"), *chosen, "-i", "127.0.0.1", "-p", str(port), "-nostdin", "-timeout", "120", *options],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
        )  # fmt: skip


async def listening(host: str, port: int, transport: str = "udp") -> None:
    """SIPp says nothing when it listens; the kernel does."""
    address = f"{int.from_bytes(bytes(map(int, host.split('.'))), 'little'):08X}:{port:04X} 00000000:0000"
    await until(lambda: address in Path(f"/proc/net/{transport}").read_text(), 20, "SIPp listens")


def ended(process: subprocess.Popen[bytes], within_s: float = 120.0) -> None:
    """Wait for SIPp; its exit code is 0 only when no call failed."""
    assert process.wait(timeout=within_s) == 0, f"SIPp ended with {process.returncode}; see its log in the test's folder"
