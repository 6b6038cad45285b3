"""Writing an E.164 number the way one carrier wants it, in the Request-URI, To and the caller headers."""

from trunkline.numbering.plan import CalledFormat, CallerFormat
from trunkline.numbering.reading import is_e164


def render(e164: str, wanted: CalledFormat) -> tuple[str, str]:
    """The user parts of Request-URI and To for a called number, which `normalise` has made E.164 with +.

    `phone_param` is a parameter of the URI, not of the user part: whoever builds the URI adds it.
    """
    number = _styled(e164, wanted)
    if not wanted.tech_prefix:
        return number, number
    prefixed = wanted.tech_prefix + number
    return prefixed, prefixed if wanted.tech_prefix_in_to else number


def render_caller(caller: str, wanted: CallerFormat) -> str:
    """The user part of the caller ID; a caller that is no E.164 number (an extension, `anonymous`) stays as it is."""
    return _styled(caller, wanted) if is_e164(caller) else caller


def _styled(e164: str, wanted: CalledFormat | CallerFormat) -> str:
    style = wanted.style
    if style == "plus":
        return e164
    digits = e164[1:]
    if style == "international":
        return wanted.international_prefix + digits
    if style == "national" and wanted.country_code and digits.startswith(wanted.country_code):
        return wanted.trunk_prefix + digits[len(wanted.country_code) :]
    return digits
