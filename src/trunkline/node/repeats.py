"""What goes on being wrong is said again once in a while, not every time it is found."""

from collections.abc import Hashable

REPEAT_S = 3600.0
MOST = 10_000
"Subjects remembered; more make everything news again."


class Repeats:
    """What was last said of each subject."""

    def __init__(self) -> None:
        self._said: dict[Hashable, tuple[str, float]] = {}

    def is_news(self, subject: Hashable, what: str, now: float) -> bool:
        """Whether to say it: nobody did within the hour, or something else was said."""
        said, at = self._said.get(subject, ("", 0.0))
        if said == what and now < at + REPEAT_S:
            return False
        if len(self._said) >= MOST:
            self._said.clear()
        self._said[subject] = (what, now)
        return True
