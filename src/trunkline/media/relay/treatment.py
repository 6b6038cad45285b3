"""What has to be done to the audio of a leg before another can hear it: nothing as a rule, a table between the two laws, or a transcoder's work.

A transcoder works where the codecs differ otherwise, and where keys are heard in the audio: to be told because the leg presses them as tones
(`Side.digits` `audio`) and the other does not want tones, or to be cut out because they are a secret (`Block.masked`).
"""

from collections.abc import Iterable
from typing import Literal

from trunkline.media.g711 import LAWS
from trunkline.media.relay.described import DescribedLeg, same
from trunkline.media.relay.protocol import Worked
from trunkline.media.relay.translation import CanConvert
from trunkline.media.transcoding import MASK, TELL, Conversion, ConversionUser, Transcoder
from trunkline.sip.sdp import Codec

LOOPBACK = "127.0.0.1"
PROMPTS = -2
"For a transcoder, what is played to leg n is what leg -2 - n sends."


class Treatments:
    """Whoever works on the audio of the relay's calls, if anybody does."""

    def __init__(self) -> None:
        self._transcoder: Transcoder | None = None
        self._returns: dict[int, int] = {}
        "Worker to the port where it takes back what was worked on."

    def join(self, transcoder: Transcoder, user: ConversionUser) -> None:
        """Let `transcoder` do what a table cannot."""
        self._transcoder = transcoder
        transcoder.attach(user)

    def returns(self, worker: int, port: int) -> None:
        self._returns[worker] = port

    def converts(self, legs: Iterable[DescribedLeg]) -> CanConvert:
        """What can be converted for a call of these legs: between the laws everything, else what a transcoder with room for two can, or has begun."""
        transcoder = self._transcoder
        is_there = transcoder is not None and (any(leg.is_worked for leg in legs) or transcoder.room() >= 2)

        def can_convert(source: str, target: str) -> bool:
            if source.upper() in LAWS and target.upper() in LAWS:
                return True
            return transcoder is not None and is_there and transcoder.can_convert(source, target)

        return can_convert

    def treat(self, call: str, worker: int, leg: DescribedLeg, hearer: DescribedLeg | None, now: float) -> Worked | Literal[False] | None:
        """See to what `leg` sends; who works on it, if anybody, and False when somebody must and nobody can."""
        was_worked, leg.law, leg.is_worked = leg.is_worked, "", False
        voices = leg.agreed()
        wanted = hearer.voice() if hearer is not None else None
        differs = wanted is not None and bool(voices) and not _overlap(voices, hearer)
        laws = not differs or (wanted is not None and wanted.name.upper() in LAWS and all(one.name.upper() in LAWS for one in voices))
        keys = _keys(leg, hearer)
        if laws and not keys:
            if differs and wanted is not None:
                leg.law = wanted.name.upper()
            if was_worked and self._transcoder is not None:
                self._transcoder.end(call, leg.number, now)
            return None
        worked = self._work(call, worker, leg, hearer, wanted if differs else voices[0] if voices else None, keys, now)
        if worked is None:
            if laws and differs and wanted is not None:
                leg.law = wanted.name.upper()
            # Keys in the audio are worth having, not worth a call: where they are a secret, the worker keeps the audio back.
            return None if laws else False
        leg.is_worked = True
        return worked

    def prompt(self, call: str, worker: int, leg: DescribedLeg, now: float) -> None:
        """See to it that what is played to `leg` reaches it in its codec."""
        voice, event, port = leg.voice(), leg.event(), self._returns.get(worker)
        leg.prompt = None
        if voice is None or voice.name.upper() in LAWS or port is None or self._transcoder is None or not self._transcoder.can_convert("PCMU", voice.name):
            return
        token = leg.token ^ 0xFFFF_FFFF
        wish = Conversion(
            call=call, leg=PROMPTS - leg.number, formats={0: "PCMU"}, rates={0: 8000}, codec=voice.name, payload=voice.payload, clock_rate=voice.rate,
            token=token, host=LOOPBACK, port=port, event=-1 if event is None else event.payload,
        )  # fmt: skip
        address = self._transcoder.convert(wish, now)
        leg.prompt = Worked(*address, token) if address is not None else None

    def end(self, call: str, legs: list[DescribedLeg], now: float) -> None:
        """These legs are over."""
        if self._transcoder is not None:
            for leg in legs:
                if leg.is_worked:
                    self._transcoder.end(call, leg.number, now)
                if leg.prompt is not None:
                    self._transcoder.end(call, PROMPTS - leg.number, now)

    def _work(
        self, call: str, worker: int, leg: DescribedLeg, hearer: DescribedLeg | None, voice: Codec | None, keys: str, now: float
    ) -> Worked | None:
        port = self._returns.get(worker)
        if self._transcoder is None or port is None or voice is None or hearer is None:
            return None
        sends = leg.sends_as()
        heard_as = next((one for one in hearer.agreed() if same(one, voice)), voice)
        event = hearer.event() if hearer.side.digits == "event" else None
        wish = Conversion(
            call=call,
            leg=leg.number,
            formats={payload: codec.name for payload, codec in sends.items()},
            rates={payload: codec.rate for payload, codec in sends.items()},
            codec=heard_as.name,
            payload=heard_as.payload,
            clock_rate=heard_as.rate,
            token=leg.token,
            host=LOOPBACK,
            port=port,
            event=-1 if event is None else event.payload,
            event_rate=8000 if event is None else event.rate,
            keys=keys,
        )
        if not all(self._transcoder.can_convert(one.name, heard_as.name) for one in leg.agreed()):
            return None
        address = self._transcoder.convert(wish, now)
        return None if address is None else Worked(*address, leg.token, keys == MASK)


def _keys(leg: DescribedLeg, hearer: DescribedLeg | None) -> str:
    if leg.masked:
        return MASK
    return TELL if leg.side.digits == "audio" and hearer is not None and hearer.side.digits != "audio" else ""


def _overlap(voices: tuple[Codec, ...], hearer: DescribedLeg | None) -> bool:
    return hearer is not None and any(same(one, other) for one in voices for other in hearer.agreed())
