"""Our own numbers: inventory, lifecycle, choice, reputation, attestation, forecast."""

from trunkline.numbers.areas import Areas
from trunkline.numbers.attestation import Attestor, Level, Origin, Slot, Unsigned, level_of, slot
from trunkline.numbers.book import NUMBERS, Called, NumberBook
from trunkline.numbers.certificates import Trust, is_public
from trunkline.numbers.choice import Ask, Choice, Chosen, Nobody
from trunkline.numbers.clock_check import ClockCheck
from trunkline.numbers.dialer_caller import Ranges, Rule
from trunkline.numbers.forecast import Demand, Forecast, forecast
from trunkline.numbers.inventory import Import, read_csv, write_csv
from trunkline.numbers.kind import Kind
from trunkline.numbers.life import State
from trunkline.numbers.lifecycle import Event, diagram, override
from trunkline.numbers.presentation import presentable, rule_for
from trunkline.numbers.reputation import LabellingRate, observe, read_labels
from trunkline.numbers.review import Suspicion
from trunkline.numbers.verification import Arrived, Failed, Fetch, Unjudged, Verdict, Verified, Verifier

__all__ = [
    "NUMBERS",
    "Areas",
    "Arrived",
    "Ask",
    "Attestor",
    "Called",
    "Choice",
    "Chosen",
    "ClockCheck",
    "Demand",
    "Event",
    "Failed",
    "Fetch",
    "Forecast",
    "Import",
    "Kind",
    "LabellingRate",
    "Level",
    "Nobody",
    "NumberBook",
    "Origin",
    "Ranges",
    "Rule",
    "Slot",
    "State",
    "Suspicion",
    "Trust",
    "Unjudged",
    "Unsigned",
    "Verdict",
    "Verified",
    "Verifier",
    "diagram",
    "forecast",
    "is_public",
    "level_of",
    "observe",
    "override",
    "presentable",
    "read_csv",
    "read_labels",
    "rule_for",
    "slot",
    "write_csv",
]
