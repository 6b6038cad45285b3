"""Number plans: how a trunk dials, and how a carrier wants numbers written."""

from msgspec import Struct


class NumberPlan(Struct, frozen=True, gc=False):
    """How the dialer writes numbers; read into E.164 with + before any decision."""

    country_code: str = ""
    "Digits, such as `1` or `44`; needed to read national numbers."
    international_prefix: str = "00"
    "What the dialer dials before a country code, such as `011` or `00`; empty when none."
    trunk_prefix: str = "0"
    "What it dials before a national number, such as `0` or `1`; empty when none."
    strip: str = ""
    "Digits the dialer puts before every number, such as `9`; removed first."
    bare: str = "international"
    "A number with no prefix is read as international or national."
    min_digits: int = 7
    max_digits: int = 15


class CalledFormat(Struct, frozen=True, gc=False):
    """How a carrier wants the called number, in Request-URI and To."""

    style: str = "plus"
    """plus (+14155550123), e164 (14155550123), national (trunk prefix and national number within `country_code`, e164
    elsewhere), international (international prefix and e164)."""
    country_code: str = ""
    trunk_prefix: str = ""
    international_prefix: str = "00"
    tech_prefix: str = ""
    "Digits or #-codes put in front of everything, Request-URI only unless `tech_prefix_in_to`."
    tech_prefix_in_to: bool = False
    phone_param: bool = False
    "Adds ;user=phone."


class CallerFormat(Struct, frozen=True, gc=False):
    """How a carrier wants the caller ID."""

    style: str = "plus"
    country_code: str = ""
    trunk_prefix: str = ""
    international_prefix: str = "00"
    header: str = "from"
    "Where the number goes besides From: from (nowhere), pai (P-Asserted-Identity), rpid (Remote-Party-ID), diversion."
    anonymous_from: bool = False
    "Privacy was asked for: From is anonymous and the number travels in the asserted header only."
