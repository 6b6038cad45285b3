"""Reading what a dialer dialled into E.164 with +, by the number plan of its trunk (ITU-T E.164, E.123, RFC 3966).

Everything downstream (emergency apart) knows one spelling of a number, so this is done once, before any decision. A
dialer nearly always sends plain digits or + and digits: that costs a few string comparisons, no regular expression.
"""

from typing import Final

from trunkline.numbering.plan import NumberPlan

SEPARATORS: Final = str.maketrans("", "", "-.() ")
"RFC 3966 visual separators, and the space people type."


def normalise(dialled: str, plan: NumberPlan) -> str | None:
    """The number in E.164 with +, or None when it does not fit the plan.

    `plan.strip` goes first and may be absent; then + or the international prefix means a country code follows, the
    trunk prefix a national number, and a number with neither is read as `plan.bare` says. Parameters after `;` are
    ignored.
    """
    if not _is_digits(dialled):
        dialled = _without_ornaments(dialled)
    if plan.strip:
        dialled = dialled.removeprefix(plan.strip)
    if dialled.startswith("+"):
        digits = dialled[1:]
    elif plan.international_prefix and dialled.startswith(plan.international_prefix):
        digits = dialled[len(plan.international_prefix) :]
    elif plan.trunk_prefix and plan.country_code and dialled.startswith(plan.trunk_prefix):
        digits = plan.country_code + dialled[len(plan.trunk_prefix) :]
    elif plan.bare == "international":
        digits = dialled
    elif plan.country_code:
        digits = plan.country_code + dialled
    else:
        return None
    if not plan.min_digits <= len(digits) <= plan.max_digits or not _is_digits(digits) or digits[0] == "0":
        return None
    return "+" + digits


def is_e164(text: str) -> bool:
    """Whether `text` is + and 1 to 15 digits that begin with a country code (no country code begins with 0)."""
    return 2 <= len(text) <= 16 and text[0] == "+" and text[1] != "0" and _is_digits(text[1:])


def _is_digits(text: str) -> bool:
    """`str.isdigit` alone takes other scripts' digits too."""
    return text.isdigit() and text.isascii()


def _without_ornaments(dialled: str) -> str:
    """Drops parameters, separators, and the (0) that E.123 forbids and people write all the same: +44 (0)20 7946."""
    number, _, _ = dialled.partition(";")
    if number.startswith("+"):
        number = number.replace("(0)", "")
    return number.translate(SEPARATORS)
