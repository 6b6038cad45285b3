"""Gate mode: the carrier has answered, the caller's 200 waits for what answered (rows L3, L7).

    verdict       what becomes of the call
    human         connected; so is whatever is not clear within the trunk's `wait`
    assistant     connected, or played the trunk's `prompt`: connected when a person is heard then, hung up on after `pick_up`
    machine       hung up on, or left the trunk's `message`; the caller is told at once and is free meanwhile
    others        hung up on

A message is left after the beep. A mailbox that ends its greeting without one gets it `BEEP_S` later, and hears it once more from the
beginning should the beep come after all; one whose greeting has no end gets it after `GREETING_S`.
"""

from typing import TYPE_CHECKING, Final

from trunkline.calls.audio import CALLER
from trunkline.calls.events import Answer, Fail, Release
from trunkline.calls.record import told_lines
from trunkline.calls.state import advance
from trunkline.facts import refusal as catalogue
from trunkline.facts.heard import MACHINES
from trunkline.facts.told import Told, told
from trunkline.listen import Hearing, Kind

if TYPE_CHECKING:
    from trunkline.calls.attempt import Attempt
    from trunkline.calls.call import Call

GREETING_S: Final = 60.0
"Longest greeting waited for."
BEEP_S: Final = 3.0
"From the end of a greeting to its beep, at most: then there is none."
GRACE_S: Final = 1.0
"A player that has not said that it is over by then is over."

VERDICT, PICK_UP, PROMPTED, BEEP, LEFT = 10, 11, 12, 13, 14
"Timers: no verdict in time; nobody picked up; the prompt is over; no beep will come; the message is over."

PERSON: Final = frozenset(("human", "unknown"))
"Whoever speaks after a prompt and is no machine as far as can be told."


class Screening:
    """Where a screened answer stands."""

    __slots__ = ("answer", "asked", "began", "left", "playing", "told")

    def __init__(self, answer: Answer, began: float) -> None:
        self.answer = answer
        "What the caller is told once it is connected."
        self.began = began
        self.asked = False
        "An assistant was played the prompt."
        self.told: Told | None = None
        "What the caller was told; from then on the message is what it is about."
        self.playing = False
        self.left = ""
        "What the message was begun after."


def screen(call: "Call", answer: Answer, wait_s: float, now: float) -> None:
    """Keep the caller waiting for the verdict."""
    call.screening = Screening(answer, now)
    call.state = advance(call.state, "screen")
    call.board.endpoint.timers.at(now + wait_s, call, VERDICT)


def on_timer(call: "Call", what: int, now: float) -> None:
    """A wait of the gate is over."""
    screening, attempt = call.screening, call.attempt
    if screening is None or attempt is None:
        return
    if what == VERDICT and not screening.asked:
        decide(call, attempt, Kind.UNKNOWN.value, now)  # when unsure, the agent gets the call
    elif what == PICK_UP:
        call.let_go(attempt, catalogue.NO_PICK_UP, now)
    elif what == PROMPTED:
        _listen_for_pick_up(call, screening, now)
    elif what == BEEP and not screening.playing:
        _leave(call, attempt, "greeting" if call.ear is not None and now - screening.began < GREETING_S else "wait", now)
    elif what == LEFT and screening.playing:
        _over(call, attempt, now)


def heard(call: "Call", attempt: "Attempt", hearing: Hearing, now: float) -> None:
    """Something was heard of a callee that is being screened."""
    screening, ear = call.screening, call.ear
    if screening is None or ear is None:
        return
    if screening.told is not None:
        if hearing.kind is Kind.BEEP:
            if not screening.playing or screening.left != "beep":
                _leave(call, attempt, "beep", now)
        elif hearing.kind.value in MACHINES and hearing.ended_s is not None and not screening.playing:
            _wait_for_beep(call, BEEP_S, now)
    elif screening.asked:
        if not screening.playing and ear.verdict:
            if ear.verdict in PERSON:
                call.connect(screening.answer, now)
            elif hearing.ended_s is not None or ear.verdict == "false":
                ear.listen_again(now)  # still the assistant, or ringing, or nobody yet
    elif ear.verdict:
        decide(call, attempt, ear.verdict, now)


def decide(call: "Call", attempt: "Attempt", verdict: str, now: float) -> None:
    """The verdict on a screened answer."""
    screening, ear = call.screening, call.ear
    if screening is None or ear is None:
        return
    if verdict == "assistant" and ear.settings.prompt:
        _ask(call, attempt, screening, now)
    elif verdict not in MACHINES:
        call.connect(screening.answer, now)
    elif verdict == "machine" and ear.settings.message:
        _drop(call, attempt, screening, now)
    else:
        call.let_go(attempt, catalogue.MACHINE, now)


def played(call: "Call", leg: int, why: str, now: float) -> None:
    """The media engine has come to the end of what it played towards a leg; `why` it did so early."""
    screening, attempt = call.screening, call.attempt
    if screening is None or attempt is None or leg != attempt.number or not screening.playing or why == "stopped":
        return
    if screening.told is None:
        _listen_for_pick_up(call, screening, now)
        return
    if why:
        call.board.alarm("listen.message", call.id, f"The message was not played: {why}.", now)
        screening.left = "not left"
    _over(call, attempt, now)


def gone(call: "Call", screening: Screening, now: float) -> None:
    """A machine hung up before the message was over, or before it began; or the call is ended from outside."""
    answer = screening.told
    assert answer is not None
    call.screening = None
    call.message = "cut" if screening.playing else "not left"
    call.write(answer.status, answer.cause, catalogue.MACHINE.result.value, catalogue.MACHINE.code, "trunkline", now)


# Assistants.


def _ask(call: "Call", attempt: "Attempt", screening: Screening, now: float) -> None:
    """Tell an assistant who calls."""
    ear, timers = call.ear, call.board.endpoint.timers
    assert ear is not None
    settings = ear.settings
    screening.asked = screening.playing = True
    call.generation += 1
    call.audio.play(attempt.number, settings.prompt, now)
    timers.at(now + settings.prompt_s + GRACE_S, call, PROMPTED)
    timers.at(now + settings.pick_up_s, call, PICK_UP)


def _listen_for_pick_up(call: "Call", screening: Screening, now: float) -> None:
    if screening.playing and call.ear is not None:
        screening.playing = False
        call.ear.listen_again(now)


# Messages.


def _drop(call: "Call", attempt: "Attempt", screening: Screening, now: float) -> None:
    """Let the caller go, and wait for the beep."""
    caller, call.caller = call.caller, None
    answer = screening.told = told(call.plan.trunk.profile, catalogue.MACHINE.result)
    call.state = advance(call.state, "fail")
    call.audio.hold_back(CALLER, True, now)
    if caller is not None:
        caller.take(Fail(answer.status, answer.phrase, refusal=catalogue.MACHINE.code, extra=told_lines(answer, catalogue.MACHINE)), now)
        call.board.leg_over(call.id, now)
    if call.ear is not None and call.ear.beeped:
        _leave(call, attempt, "beep", now)
    else:
        _wait_for_beep(call, GREETING_S, now)


def _wait_for_beep(call: "Call", seconds: float, now: float) -> None:
    call.generation += 1
    call.board.endpoint.timers.at(now + seconds, call, BEEP)


def _leave(call: "Call", attempt: "Attempt", after: str, now: float) -> None:
    """Play the message, from its beginning."""
    screening, ear = call.screening, call.ear
    assert screening is not None
    assert ear is not None
    screening.playing, screening.left = True, after
    call.generation += 1
    call.audio.play(attempt.number, ear.settings.message, now)
    call.board.endpoint.timers.at(now + ear.settings.message_s + GRACE_S, call, LEFT)


def _over(call: "Call", attempt: "Attempt", now: float) -> None:
    """The message is left."""
    screening = call.screening
    assert screening is not None
    answer = screening.told
    assert answer is not None
    call.screening = call.attempt = call.callee = None
    call.generation += 1
    call.message = screening.left
    attempt.hang_up("trunkline", Release(cause=16, text="message left"), now)
    call.write(answer.status, answer.cause, catalogue.MACHINE.result.value, catalogue.MACHINE.code, "trunkline", now)
