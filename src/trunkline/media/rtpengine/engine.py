"""A media engine over rtpengine daemons, by their NG protocol. Written against and tested with version 10.5 (Debian 12).

A call stays on the daemon that took its first offer; one that is at its limit passes it on to the next. Offers and answers return None and become `MediaReady` or `MediaFailed` when the daemon
has spoken or its time is up; a dead daemon fails them at once.

What version 10.5 does not do, and what becomes of it:

- The caller's address and port stay what they are from one attempt to the next; SSRC, sequence and timestamps are those of whoever speaks.
- A second leg that is offered takes the caller's audio from the first at once: attempts are heard one after the other, never two together.
- Deleting the only attempt would delete the call, and the caller's port with it. Such a leg is silenced, and deleted when the next is offered.
- RTP sources cannot be held against networks: see `settings.Ranges`. A strict leg accepts the SDP's address and port alone.
- A leg whose audio is blocked, or played over, is silent in its copy (`Subscribe`) too.
- It passes audio on to a leg on hold all the same: such audio is blocked, as it is by `Block`.
- `SendDigits` needs `settings.inject_digits`, which has a price; without it they are refused. The leg's peer must be sending RTP.
- A leg whose keys go by INFO must take telephone-events all the same (they are offered to it, and none is sent): else its peer presses in-band,
  and nobody tells. Keys that reach a leg as tones (`digits: audio`) cannot be blocked.
- An answer that gives telephone events another payload type than was offered reaches the offerer without them.
- The DSCP of a call is that of the last offer or answer. `Side.networks` and `Side.interface` beyond the daemon's own names do nothing.
- `watching.py` says how late first packets and silence are, and what `sent` is. `lost`, `jitter_ms` and `mos` exist where the far ends send RTCP.
"""

from collections import deque
from collections.abc import Iterator
from enum import Enum, auto
from heapq import heappop, heappush
from random import Random

from trunkline.media.engine import (
    Block,
    Delete,
    DigitHeard,
    MediaAnswer,
    MediaCommand,
    MediaEvent,
    MediaFailed,
    MediaLost,
    MediaOffer,
    MediaReady,
    MediaResult,
    Play,
    Played,
    Query,
    SendDigits,
    Side,
    Stop,
    Subscribe,
)
from trunkline.media.rtpengine import messages
from trunkline.media.rtpengine.bencode import Fault
from trunkline.media.rtpengine.call import Ask, Call, Purpose
from trunkline.media.rtpengine.codecs import Choice, voices
from trunkline.media.rtpengine.conversation import PING, Conversation, destination
from trunkline.media.rtpengine.copy import accept_copy
from trunkline.media.rtpengine.digit_log import KEYS, read_digit
from trunkline.media.rtpengine.replies import Reply, read_reply
from trunkline.media.rtpengine.settings import Ranges, Settings
from trunkline.media.rtpengine.watching import is_unheard, observe
from trunkline.sip.sdp import direction_of

FAILED = "media.failed"
NO_SHARED_CODEC = "media.no_shared_codec"


class _Due(Enum):
    POLL = auto()
    PACED = auto()
    "A poll that was put off once, to its own place in the row."
    PLAYED = auto()
    LOST = auto()


class Rtpengine:
    """The engine. `random` only makes its cookies differ from those of the run before."""

    anchored = True

    def __init__(self, settings: Settings, random: Random) -> None:
        if not settings.daemons:
            raise ValueError("rtpengine without a daemon")
        boot = random.getrandbits(48)
        self.settings = settings
        self.garbage = 0
        "Datagrams that were neither a reply nor a logged key."
        self.strays = 0
        "Replies nobody waited for, and keys of calls and legs not known."
        self.refused = 0
        "Commands the daemon did not take, and keys that cannot be sent."
        self._daemons = [Conversation(place, daemon.weight, settings, boot) for place, daemon in enumerate(settings.daemons)]
        self._calls: dict[str, Call] = {}
        self._events: deque[MediaEvent] = deque()
        self._due: list[tuple[float, int, _Due, str, int, int]] = []
        "(when, order, what, call, leg or daemon, generation)"
        self._order = 0
        self._next_poll = 0.0

    # What signalling asks.

    def offer(self, offer: MediaOffer, now: float) -> MediaResult:
        call = self._calls.get(offer.call)
        daemon = self._choose(now) if call is None else call.daemon
        if daemon is None or not daemon.alive or (call is not None and call.over):
            return MediaFailed(offer.call, offer.leg, FAILED)
        if self._cannot(offer.side) or self._cannot(offer.source_side):
            return MediaFailed(offer.call, offer.leg, FAILED)
        choice = (call or Call(offer.call, daemon)).choice(offer)
        if choice is None:
            return MediaFailed(offer.call, offer.leg, NO_SHARED_CODEC)
        if call is None:
            call = self._calls[offer.call] = Call(offer.call, daemon)
        call.leg(offer.leg).side = offer.side
        call.leg(offer.source).side = offer.source_side
        if not offer.sdp:
            # The leg will make the offer itself, in its answer.
            call.offers.discard((offer.source, offer.leg))
            return MediaReady(offer.call, offer.leg, b"")
        call.leg(offer.source).offer = offer.sdp
        self._describe(call, Purpose.OFFER, offer.source, offer.leg, choice, now)
        return None

    def answer(self, answer: MediaAnswer, now: float) -> MediaResult:
        call = self._calls.get(answer.call)
        if call is None or call.over or not call.daemon.alive:
            return MediaFailed(answer.call, answer.leg, FAILED)
        is_answer = (answer.leg, answer.source) in call.offers
        self._describe(call, Purpose.ANSWER if is_answer else Purpose.OFFER, answer.source, answer.leg, Choice(answer.sdp), now)
        if not answer.early:
            for number in (answer.leg, answer.source):
                leg = call.leg(number)
                if leg.answered_at < 0:
                    leg.answered_at = now
        return None

    def command(self, command: MediaCommand, now: float) -> None:
        call = self._calls.get(command.call)
        if call is None or call.over:
            return
        if isinstance(command, Query):
            self._ask(call, Ask(Purpose.QUERY, -1, messages.query(call.id)), now)
        elif isinstance(command, Delete) and command.leg < 0:
            self._delete_call(call, now)
        elif call.live(command.leg) is not None:
            self._command_leg(call, command, now)

    def _command_leg(self, call: Call, command: MediaCommand, now: float) -> None:
        match command:
            case Delete(leg=leg):
                self._delete_leg(call, leg, now)
            case Subscribe():
                self._subscribe(call, command, now)
            case Play(leg=leg, file=file, repeat=repeat):
                call.plays += 1
                self._end_play(call, leg, "stopped")
                call.legs[leg].playing, call.legs[leg].file = call.plays, file
                self._block(call, now)
                request = messages.play_media(call.id, leg, file, repeat)
                self._ask(call, Ask(Purpose.PLAY, leg, request, play=call.plays, repeat=repeat), now)
            case Stop(leg=leg):
                self._end_play(call, leg, "stopped")
                self._order_of(call, messages.stop_media(call.id, leg), now)
                self._block(call, now)
            case Block(leg=leg, audio=audio, digits=digits, masked=masked):
                # Tones cannot be told from speech here: what is a secret is kept back whole.
                call.legs[leg].wants_blocked = (audio or masked, digits or masked)
                call.legs[leg].masked = masked
                self._block(call, now)
            case SendDigits(leg=leg, digits=digits, duration_ms=duration_ms):
                presser = call.legs[leg].peer
                for digit in digits.upper():
                    if digit not in KEYS or presser < 0 or not self.settings.inject_digits:
                        # Asked without having been prepared, the daemon says ok and does nothing.
                        self.refused += 1
                        continue
                    self._order_of(call, messages.play_dtmf(call.id, presser, digit, duration_ms), now)

    def next_event(self) -> MediaEvent | None:
        return self._events.popleft() if self._events else None

    # The link and the clock.

    def data_to_send(self) -> bytes | None:
        for daemon in self._daemons:
            data = daemon.data_to_send()
            if data is not None:
                return data
        return None

    def receive_data(self, data: bytes, now: float) -> None:
        if data.startswith(b"{"):
            self._receive_digit(data)
            return
        read = read_reply(data)
        if isinstance(read, Fault):
            self.garbage += 1
            return
        cookie, reply = read
        place = destination(data)
        if place is None or place >= len(self._daemons):
            self.strays += 1
            return
        daemon = self._daemons[place]
        was_alive = daemon.alive
        about = daemon.receive(cookie, now)
        if about is None:
            self.strays += 1
            return
        if not was_alive:
            self._revive(daemon, now)
        call = self._calls.get(about) if about != PING else None
        if call is not None and call.waiting is not None:
            ask, call.waiting = call.waiting, None
            self._take(call, ask, reply, now)
            self._go_on(call, now)

    def get_timer(self) -> float | None:
        soonest = min(daemon.get_timer() for daemon in self._daemons)
        return min(soonest, self._due[0][0]) if self._due else soonest

    def handle_timer(self, now: float) -> None:
        for place, daemon in enumerate(self._daemons):
            was_alive = daemon.alive
            for identity in daemon.handle_timer(now):
                call = self._calls.get(identity)
                if call is not None and call.waiting is not None:
                    ask, call.waiting = call.waiting, None
                    self._give_up(call, ask, now)
                    self._go_on(call, now)
            if was_alive and not daemon.alive:
                self._at(now + self.settings.lost_s, _Due.LOST, "", place, 0)
        while self._due and self._due[0][0] <= now:
            _, _, what, identity, number, generation = heappop(self._due)
            if what is _Due.LOST:
                self._lose_daemon(self._daemons[number], now)
                continue
            call = self._calls.get(identity)
            if call is None or call.over:
                continue
            if what is _Due.PLAYED:
                self._played(call, number, generation, now)
            elif generation == call.polls:
                self._poll(call, what is _Due.PACED, now)

    # Requests of a call, one after the other.

    def _ask(self, call: Call, ask: Ask, now: float) -> None:
        if call.waiting is not None:
            call.queue.append(ask)
            return
        call.waiting = ask
        call.daemon.ask(call.id, ask.request, now, ask.deadline or now + self.settings.deadline_s)

    def _go_on(self, call: Call, now: float) -> None:
        if call.waiting is None and call.queue:
            self._ask(call, call.queue.popleft(), now)

    def _order_of(self, call: Call, request: messages.Request, now: float) -> None:
        self._ask(call, Ask(Purpose.ORDER, -1, request), now)

    def _describe(self, call: Call, purpose: Purpose, source: int, leg: int, choice: Choice, now: float) -> None:
        """Put SDP of `source` that is to go to `leg` before the daemon."""
        sender, receiver = call.leg(source), call.leg(leg)
        sender.peer, receiver.peer = leg, source
        sender.direction, sender.spoken = direction_of(choice.sdp), voices(choice.sdp)
        if sender.known_at < 0:
            sender.known_at = now
        inject = self.settings.inject_digits
        if purpose is Purpose.OFFER:
            call.offers.add((source, leg))
            request = messages.offer(call.id, source, leg, choice, sender.side, receiver.side, inject)
        else:
            request = messages.answer(call.id, leg, source, choice.sdp, sender.side, receiver.side, inject)
        self._ask(call, Ask(purpose, leg, request, now + self.settings.deadline_s), now)

    def _take(self, call: Call, ask: Ask, reply: Reply, now: float) -> None:
        """What a reply means, by what was asked."""
        if ask.purpose is Purpose.DELETE_CALL:
            del self._calls[call.id]
            return
        if reply.unknown_call and not call.over:
            call.queue.appendleft(ask)
            self._lose(call)
            return
        heard = list(observe(call, reply.reports, self.settings.silence_s, now))
        if not call.over:
            self._events.extend(heard)
        match ask.purpose:
            case Purpose.OFFER | Purpose.ANSWER if not call.over:
                self._described(call, ask, reply, now)
            case Purpose.QUERY:
                self._events.extend(call.statistics(number, False) for number, leg in call.legs.items() if not leg.told)
            case Purpose.LEAVE | Purpose.DELETE_LEG | Purpose.LAST_QUERY:
                self._left(call, ask)
            case Purpose.SUBSCRIBE if reply.ok and ask.leg in call.legs:
                call.legs[ask.leg].copy = reply.tag
                answer = messages.subscribe_answer(call.id, reply.tag, accept_copy(reply.sdp, ask.host, ask.port))
                call.queue.appendleft(Ask(Purpose.ORDER, -1, answer))
            case Purpose.PLAY if reply.ok:
                if reply.duration_ms >= 0 and ask.repeat:
                    self._at(now + reply.duration_ms * ask.repeat / 1000, _Due.PLAYED, call.id, ask.leg, ask.play)
            case _:
                if not reply.ok:
                    self._refuse(call, ask, reply.reason, now)

    def _give_up(self, call: Call, ask: Ask, now: float) -> None:
        """What it means that no reply came in time."""
        match ask.purpose:
            case Purpose.OFFER | Purpose.ANSWER if not call.over:
                self._events.append(MediaFailed(call.id, ask.leg, FAILED))
            case Purpose.QUERY:
                self._events.extend(call.statistics(number, False) for number, leg in call.legs.items() if not leg.told)
            case Purpose.LEAVE | Purpose.DELETE_LEG | Purpose.LAST_QUERY:
                self._left(call, ask)
            case Purpose.DELETE_CALL:
                del self._calls[call.id]
            case Purpose.SUBSCRIBE | Purpose.PLAY | Purpose.ORDER:
                self._refuse(call, ask, "no reply", now)

    def _described(self, call: Call, ask: Ask, reply: Reply, now: float) -> None:
        if not reply.ok or not reply.sdp:
            if call.is_taken or not self._pass_on(call, ask, reply, now):
                self._events.append(MediaFailed(call.id, ask.leg, FAILED))
                if not call.is_taken:
                    del self._calls[call.id]  # the daemon knows nothing of it: the next attempt begins it anew
            return
        self._events.append(MediaReady(call.id, ask.leg, reply.sdp))
        receiver = call.legs[ask.leg]
        receiver.confirmed = True
        if ask.purpose is Purpose.ANSWER:
            receiver.agreed = voices(reply.sdp)
        if receiver.peer in call.legs:
            call.legs[receiver.peer].confirmed = True
        for number, leg in call.legs.items():
            if leg.abandoned and leg.told and call.can_spare(number):
                request = messages.delete_leg(call.id, leg.peer, number)
                self._ask(call, Ask(Purpose.DELETE_LEG, number, request), now)
        self._block(call, now)
        if ask.purpose is Purpose.ANSWER:
            call.fast_until = now + self.settings.fast_for_s
            self._poll_at(call, now + self.settings.fast_poll_s)

    def _pass_on(self, call: Call, ask: Ask, reply: Reply, now: float) -> bool:
        """Put the first offer of a call before another daemon, as this one is full; False where that is not why, or there is none."""
        if not reply.full:
            return False
        call.daemon.full_until = now + self.settings.full_s
        other = self._choose(now)
        if other is None:
            return False
        call.daemon = other
        self._ask(call, ask, now)
        return True

    def _refuse(self, call: Call, ask: Ask, why: str, now: float) -> None:
        self.refused += 1
        if ask.purpose is Purpose.PLAY:
            self._played(call, ask.leg, ask.play, now, why)

    # Commands in more than one step.

    def _subscribe(self, call: Call, command: Subscribe, now: float) -> None:
        leg = call.legs[command.leg]
        if leg.copy:
            self._order_of(call, messages.unsubscribe(call.id, leg.copy), now)
            leg.copy = b""
        if command.port:
            request = messages.subscribe_request(call.id, command.leg)
            self._ask(call, Ask(Purpose.SUBSCRIBE, command.leg, request, host=command.host, port=command.port), now)

    def _block(self, call: Call, now: float) -> None:
        """Let the daemon block exactly what should be: as commanded, under what plays, on hold, of legs left, and keys that INFO tells."""
        played_over = {number for number, leg in call.legs.items() if leg.playing}
        for number, leg in call.legs.items():
            peer = call.legs.get(leg.peer)
            audio = leg.abandoned or leg.wants_blocked[0] or bool(played_over - {number}) or not call.is_heard(leg)
            digits = leg.wants_blocked[1] or (peer is not None and peer.side.digits == "info")
            if not leg.confirmed:
                continue
            if audio != leg.blocked_audio:
                leg.blocked_audio = audio
                self._order_of(call, messages.block_media(call.id, number, audio), now)
            if digits != leg.blocked_digits:
                leg.blocked_digits = digits
                self._order_of(call, messages.block_dtmf(call.id, number, digits), now)

    def _played(self, call: Call, number: int, play: int, now: float, why: str = "") -> None:
        leg = call.legs.get(number)
        if leg is not None and leg.playing == play:
            self._end_play(call, number, why)
            self._block(call, now)

    def _end_play(self, call: Call, number: int, why: str) -> None:
        leg = call.legs[number]
        if leg.playing:
            leg.playing = 0
            self._events.append(Played(call.id, number, leg.file, why))

    def _delete_leg(self, call: Call, number: int, now: float) -> None:
        leg = call.legs[number]
        leg.abandoned = True
        leg.playing = 0
        self._block(call, now)
        if call.can_spare(number):
            request = messages.delete_leg(call.id, leg.peer, number)
            self._ask(call, Ask(Purpose.DELETE_LEG, number, request), now)
        else:
            self._ask(call, Ask(Purpose.LEAVE, number, messages.query(call.id)), now)

    def _delete_call(self, call: Call, now: float) -> None:
        call.over = True
        call.queue.clear()
        self._ask(call, Ask(Purpose.LAST_QUERY, -1, messages.query(call.id)), now)
        self._ask(call, Ask(Purpose.DELETE_CALL, -1, messages.delete_call(call.id)), now)

    def _left(self, call: Call, ask: Ask) -> None:
        """Tell the final statistics of a leg, or of all."""
        for number, leg in call.legs.items():
            if ask.leg in (-1, number) and not leg.told:
                leg.told = True
                self._events.append(call.statistics(number, True))
        if ask.purpose is Purpose.DELETE_LEG:
            call.legs.pop(ask.leg, None)

    # Keys, polls, and daemons that die.

    def _receive_digit(self, data: bytes) -> None:
        key = read_digit(data)
        if key is None:
            self.garbage += 1
            return
        call = self._calls.get(key.call)
        number = next((number for number in call.legs if str(number) == key.tag), -1) if call is not None and not call.over else -1
        if call is None or call.live(number) is None:
            self.strays += 1
            return
        if call.legs[number].masked:
            return
        self._events.append(DigitHeard(call.id, number, key.digit, key.duration_ms))

    def _at(self, when: float, what: _Due, call: str, number: int, generation: int) -> None:
        self._order += 1
        heappush(self._due, (when, self._order, what, call, number, generation))

    def _poll_at(self, call: Call, when: float) -> None:
        call.polls += 1
        self._at(when, _Due.POLL, call.id, 0, call.polls)

    def _poll(self, call: Call, is_paced: bool, now: float) -> None:
        if not is_paced:
            place = max(now, self._next_poll)
            self._next_poll = place + 1 / self.settings.polls_per_s
            if place > now:
                self._at(place, _Due.PACED, call.id, 0, call.polls)
                return
        if call.waiting is None and call.daemon.alive:
            self._ask(call, Ask(Purpose.POLL, -1, messages.query(call.id)), now)
        is_fast = now < call.fast_until and is_unheard(call)
        self._poll_at(call, now + (self.settings.fast_poll_s if is_fast else self.settings.poll_s))

    def _choose(self, now: float) -> Conversation | None:
        """The daemon whose turn it is, of those that live and have room: smooth weighted round robin."""
        living = [daemon for daemon in self._daemons if daemon.alive and daemon.weight > 0 and daemon.full_until <= now]
        if not living:
            return None
        for daemon in living:
            daemon.credit += daemon.weight
        chosen = max(living, key=lambda daemon: daemon.credit)
        chosen.credit -= sum(daemon.weight for daemon in living)
        return chosen

    def _cannot(self, side: Side) -> bool:
        return bool(side.networks) and self.settings.ranges is Ranges.REFUSE

    def _revive(self, daemon: Conversation, now: float) -> None:
        """It may have been restarted, and know nothing of its calls: ask."""
        for call in self._calls_of(daemon):
            self._poll_at(call, now)

    def _lose_daemon(self, daemon: Conversation, now: float) -> None:
        if not daemon.alive and daemon.dead_since + self.settings.lost_s <= now:
            for call in self._calls_of(daemon):
                self._lose(call)

    def _calls_of(self, daemon: Conversation) -> Iterator[Call]:
        return iter([call for call in self._calls.values() if call.daemon is daemon])

    def _lose(self, call: Call) -> None:
        """The daemon has the call no more: what waits has failed, and what is known of the legs is final."""
        del self._calls[call.id]
        if call.waiting is not None:
            call.queue.appendleft(call.waiting)
            call.waiting = None
        if not call.over:
            for ask in call.queue:
                if ask.purpose in (Purpose.OFFER, Purpose.ANSWER):
                    self._events.append(MediaFailed(call.id, ask.leg, FAILED))
        call.queue.clear()
        self._events.extend(call.statistics(number, True) for number, leg in call.legs.items() if not leg.told)
        if not call.over:
            self._events.append(MediaLost(call.id))
