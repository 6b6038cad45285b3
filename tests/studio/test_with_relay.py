"""The whole way: a carrier's RTP through the embedded relay, its copy to the studio, and what is heard and recorded of it."""

import re
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.counterparts.sounds import share
from tests.listen.voice import silence
from tests.media.conftest import Driver, relay_driver
from tests.media.engine_suite import connect
from tests.media.far_ends import Phone, phones
from tests.studio.streams import coded, pcm
from tests.studio.test_line import counting
from tests.studio.test_workers import running
from trunkline.listen import Kind, synthesis
from trunkline.listen.plans import SITS
from trunkline.media import MediaAnswer, MediaOffer, Side, Subscribe
from trunkline.media.g711 import MU_LAW
from trunkline.media.sdes import Crypto, offer_crypto, parse_crypto
from trunkline.media.srtp import SrtpSession
from trunkline.studio import Heard, Recorded

pytestmark = pytest.mark.sockets

PUNCTUAL = 0.9
"Recordings are made as time goes by: what comes too late is not in them. On an idle machine all of it is, on a busy one workers are late."


def connect_securely(engine: Driver, caller: Phone, carrier: Phone) -> str:
    """SRTP towards the carrier, RTP towards the caller."""
    offer = engine.offer(MediaOffer("secure", 1, caller.sdp(), Side(secure=True)))
    carrier.heed(offer)
    theirs = parse_crypto(re.findall(rb"a=crypto:([^\r]*)", offer)[0].decode())
    assert isinstance(theirs, Crypto)
    key = next(one for one in offer_crypto() if one.suite == theirs.suite).key
    ours = Crypto(theirs.tag, theirs.suite, key)
    caller.heed(engine.answer(MediaAnswer("secure", 0, carrier.sdp(crypto=(ours,)), 1)))
    carrier.sealed = SrtpSession(ours, theirs)
    return "secure"


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "srtp"])
def test_a_copy_of_the_carriers_audio_is_heard_and_recorded(tmp_path: Path, secure: bool) -> None:
    caller, carrier = Phone(), Phone()
    with relay_driver() as relay, running() as studio, phones(caller, carrier):
        call = connect_securely(relay, caller, carrier) if secure else connect(relay, caller, carrier)
        vacant = next(one for one in SITS if one.code == "VC")
        said = {caller: counting(3.0), carrier: pcm(silence(0.4), synthesis.sit(vacant), silence(1.6))}
        for leg, hears in ((0, False), (1, True)):
            host, port = studio.open(call, leg, hears=hears, country="us")
            relay.command(Subscribe(call, leg, host, port))
        file = tmp_path / "r.wav"
        assert studio.studio.record(call, (0, 1), str(file), studio.now)
        codes = {phone: MU_LAW.encode_bytes(samples) for phone, samples in said.items()}
        begin = time.monotonic()
        for at in range(min(len(one) for one in codes.values()) // 160):
            for phone, payload in codes.items():
                phone.send(0, payload[160 * at : 160 * at + 160])
            studio.pump(max(0.001, begin + (at + 1) * 0.02 - time.monotonic()))
        heard = studio.wait(Heard, lambda one: one.hearing.kind is Kind.SIT)
        assert (heard.call, heard.leg, heard.hearing.code) == (call, 1, "VC")
        studio.studio.forget(call, -1, studio.now)
        assert studio.wait(Recorded).why == ""
    with wave.open(str(file)) as sound:
        both = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").reshape(-1, 2)
    length = min(len(one) for one in codes.values()) // 160 * 160
    for channel, phone in enumerate((caller, carrier)):
        expected = coded(said[phone])[:length]
        assert share(both[:, channel], expected) > PUNCTUAL, "to the sample"
        assert share(both[:, 1 - channel], expected[expected.nonzero()[0][0] // 160 * 160 :][: 20 * 160]) == 0, "and in no other channel"
