"""baresip with a voice: it plays a WAV file, and writes down what it says and what it hears."""

import atexit
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Self

from tests.counterparts.phones import until
from tests.counterparts.test_baresip import Baresip

SECRET = "a-long-enough-secret"


class SpeakingBaresip(Baresip):
    """Plays `voice` (8 kHz, mono, 16 bits) in every call, from its beginning; `sndfile` keeps both directions as it codes them."""

    def __init__(self, folder: Path, account: str, address: str, ca: Path, certificate: tuple[Path, Path], voice: Path) -> None:
        super().__init__(folder, account, address, ca, certificate)
        self.dumps = Path(mkdtemp(prefix="dump"))  # baresip cuts longer names off at 128 characters
        atexit.register(shutil.rmtree, self.dumps, True)  # they are read when baresip is gone
        (folder / "config").write_text(
            f"sip_listen {address}:5060\nsip_certificate {folder / 'both.pem'}\nsip_cafile {ca}\nnet_interface {address}\nrtp_ports 11000-11999\n"
            f"audio_source aufile,{voice}\naudio_player aubridge,phone\naudio_alert aubridge,alert\n"
            f"ausrc_srate 8000\nausrc_channels 1\nauplay_srate 8000\nauplay_channels 1\nsnd_path {self.dumps}\n"
            "module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule g722.so\nmodule opus.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\nmodule srtp.so\n"
            f"module_app account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\nctrl_tcp_listen {address}:4444\n"
        )

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    async def registered(self) -> None:
        await until(lambda: "[1 binding]" in self.log.read_text(), 20, "baresip registers")

    async def dial(self, number: str) -> None:
        """Call and be answered."""
        before = self.saw("CALL_ESTABLISHED")
        self.tell("dial", number)
        await until(lambda: self.saw("CALL_ESTABLISHED") > before, 20, "baresip's call is answered")

    async def hang_up(self) -> None:
        before = self.saw("CALL_CLOSED")
        self.tell("hangup")
        await until(lambda: self.saw("CALL_CLOSED") > before, 20, "baresip hangs up")

    def digits(self) -> str:
        """Keys it was told of, in order."""
        return "".join(str(event.get("param", "")) for event in self.events if event.get("type") == "CALL_DTMF_START")

    def dump(self, way: str) -> Path:
        """The file of what it said (`enc`) or heard (`dec`)."""
        (found,) = self.dumps.glob(f"*-{way}.wav")
        return found
