"""How far listening may be believed, carrier by carrier.

A carrier's audio (codec, level, ringback left over after the 200) makes the same ear err more often on one route than on another, and a
route would then be judged by the ear's mistakes. Where agents or the dialer say what an answer really was, the share of humans behind each
verdict is learnt per carrier; without labels the ear is believed as `PRIOR` says.
"""

from collections.abc import Iterator, Sequence

import msgspec

from trunkline.facts.heard import MACHINES

HEARD = ("human", "machine", "unknown", "false")
"Verdicts, in the order of the counts."

COUNTED_AS = {"human": 0, **dict.fromkeys(MACHINES, 1), "unknown": 2, "assistant": 2, "false": 3}
"What an answer may be taken for -> where it counts in `HEARD`; behind an assistant there may be a human or not."

PRIOR = {"human": 0.97, "machine": 0.04, "unknown": 0.5, "false": 0.01}
"Share of humans behind a verdict while nobody has labelled any."

PRIOR_LABELS, SIBLING_LABELS = 10.0, 5.0
"""Labels the prior is worth, and labels all other carriers together are worth to one: few, because what one carrier's audio does to listening
says little of another's, and a route condemned by mistake gets no calls and so no labels to clear it."""

ONE_CARRIER = 10.0
"""Labels of one carrier and verdict that count for the others: the carrier with most calls has most labels, and were all of them counted, a route
just tried would be judged by how that one is misheard."""

FORGET = 0.999
"What a label is worth after one more on its carrier and verdict."

ANSWERS_KEPT = 8192
"Answers remembered by call: a label names the call, and comes when the agent has hung up."


class Listening:
    """Labels per carrier and verdict."""

    __slots__ = ("_answers", "_carriers", "_counted")

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._carriers: dict[str, list[float]] = {}
        "Carrier -> humans and labels of each verdict in turn."
        self._counted = [0.0] * (2 * len(HEARD))
        "The same over all carriers, of each at most `ONE_CARRIER` labels of a verdict."
        self._answers: dict[str, tuple[str, str]] = {}
        "Call -> carrier and what its answer was taken for, oldest first; no carrier, and what was said, of a call labelled before it ended."

    def answered(self, call: str, carrier: str, heard: str) -> None:
        """An answer was listened to; somebody may have said what it was, or say so later."""
        said = self._answers.pop(call, None)
        if said is not None and not said[0]:
            self.label(carrier, heard, said[1] == "human")
        else:
            self._keep(call, (carrier, heard))

    def labelled(self, call: str, kind: str) -> None:
        """Somebody who was on the line says what it was; the first word counts here."""
        known = self._answers.pop(call, None)
        if known is not None and known[0]:
            self.label(*known, kind == "human")
        else:
            self._keep(call, ("", kind))

    def _keep(self, call: str, answer: tuple[str, str]) -> None:
        answers = self._answers
        answers[call] = answer
        if len(answers) > ANSWERS_KEPT:
            del answers[next(iter(answers))]

    def label(self, carrier: str, heard: str, human: bool) -> None:
        """The same, where carrier and verdict are at hand."""
        verdict = COUNTED_AS.get(heard)
        if verdict is None:
            return
        at = 2 * verdict
        own = self._carriers.get(carrier)
        if own is None:
            own = self._carriers[carrier] = [0.0] * (2 * len(HEARD))
        own[at] = own[at] * FORGET + human
        own[at + 1] = own[at + 1] * FORGET + 1.0
        self._count(at)

    def _count(self, at: int) -> None:
        counting = [_counting(own, at) for own in self._carriers.values()]
        self._counted[at : at + 2] = [sum([humans for humans, _ in counting]), sum([labels for _, labels in counting])]

    def humans_behind(self, carrier: str) -> tuple[float, float, float, float]:
        """Share of humans behind each verdict of `HEARD` on this carrier."""
        (a, _), (b, _), (c, _), (d, _) = self.behind(carrier)
        return a, b, c, d

    def behind(self, carrier: str) -> list[tuple[float, float]]:
        """The same, each with the number of labels it is worth: its own, and few of what the prior and the other carriers say."""
        own = self._carriers.get(carrier)
        shares: list[tuple[float, float]] = []
        for i, heard in enumerate(HEARD):
            humans, labels = self._counted[2 * i : 2 * i + 2]
            if own is not None:
                mine = _counting(own, 2 * i)
                humans, labels = max(humans - mine[0], 0.0), max(labels - mine[1], 0.0)
            share = (humans + PRIOR_LABELS * PRIOR[heard]) / (labels + PRIOR_LABELS)
            worth = min(labels + PRIOR_LABELS, SIBLING_LABELS)
            if own is not None:
                share = (own[2 * i] + worth * share) / (own[2 * i + 1] + worth)
                worth += own[2 * i + 1]
            shares.append((share, worth))
        return shares

    def labels(self) -> float:
        """Labels of all carriers that count for the others."""
        return sum(self._counted[1::2])

    def dump(self) -> Iterator[bytes]:
        """As `records.checkpoint.Fold` says: all of it is encoded when called."""
        return iter([msgspec.msgpack.encode((self._counted, self._carriers, self._answers))])

    def load(self, pieces: Sequence[bytes]) -> None:
        """Raises ValueError, and forgets everything, when it cannot be read."""
        self._forget()
        for piece in pieces:
            _, self._carriers, self._answers = msgspec.msgpack.decode(
                piece, type=tuple[list[float], dict[str, list[float]], dict[str, tuple[str, str]]]
            )
        for at in range(0, len(self._counted), 2):
            self._count(at)


def _counting(own: list[float], at: int) -> tuple[float, float]:
    """Humans and labels of one carrier and verdict, as far as they count for others."""
    worth = min(1.0, ONE_CARRIER / own[at + 1]) if own[at + 1] else 0.0
    return own[at] * worth, own[at + 1] * worth
