"""The same market on real SIP: a moment of a scenario as a file for the lab's carriers and dialer.

    python -m trunkline.lab.market.carriers degradation --hour 5 > five-o-clock.yaml
    trunkline demo --scenario five-o-clock.yaml

Shares are those of the truth at that hour for one destination, hard and easy callees together; times are shortened so that a run takes minutes.
What depends on load, on who calls and on the clock stays with the simulator.
"""

import argparse
import sys

import msgspec
import yaml

from trunkline.lab.market.scenario import MarketError, Scenario, load_scenario
from trunkline.lab.market.truth import Truth
from trunkline.lab.scenario import CarrierBehaviour, DialerBehaviour, Failure
from trunkline.lab.scenario import Scenario as LabScenario

FASTER = 5.0
"How many times shorter than in the market delays, ringing and talk are."

BUSY = 'Q.850;cause=17;text="User busy"'
VACANT = 'Q.850;cause=1;text="Unallocated number"'
CONGESTED = 'Q.850;cause=34;text="No circuit available"'


def lab_scenario(scenario: Scenario, hour: float, destination: str = "", calls: int = 500, seed: int = 1) -> LabScenario:
    """Carriers as they are at an hour of the scenario; `destination` is its first unless named. Raises MarketError."""
    truth = Truth(scenario, seed)
    where = destination or truth.destinations[0]
    if where not in truth.destinations:
        raise MarketError(f"no destination {where!r}; one of {', '.join(truth.destinations)}")
    slot = next((slot for slot in range(len(truth.here)) if truth.hour_of_slot(slot) >= hour), len(truth.here) - 1)
    d = truth.destinations.index(where)
    carriers = {name: _carrier(truth, slot, d, r) for r, name in enumerate(truth.routes) if truth.here[slot, r]}
    place = scenario.destinations[where]
    dialer = DialerBehaviour(calls, 10.0, round(scenario.ring_limit_s / FASTER, 2), 9.0, (f"{place.prefix}5550100",))
    return LabScenario(carriers, dialer, seed)


def _carrier(truth: Truth, slot: int, d: int, r: int) -> CarrierBehaviour:
    place = truth.scenario.destinations[truth.destinations[d]]
    here = {field: float(grid[slot, d, r]) for field, grid in truth.grid.items()}
    rejected = here["reject"] + place.hard * here["reject_hard"]
    left = max(1.0 - here["dead"] - rejected, 0.0)
    vacant, busy = left * (1.0 - place.valid), left * place.valid * place.busy
    rings = max(left - vacant - busy, 1e-6)
    human, machine, false = (float(part[slot, d, r]) for part in (truth.human, truth.machine, truth.false))
    answered = human + machine
    delay_ms = 1000.0 * here["delay_s"] / FASTER
    return CarrierBehaviour(
        setup_ms=(round(0.7 * delay_ms), round(1.4 * delay_ms)),
        ring_s=(0.8, 2.6),
        answer_share=_share(answered / max(rings - false, 1e-6)),
        talk_s=(5.0, 9.0),
        silence_share=_share(here["dead"]),
        early_media="183+sdp",
        failures=(
            Failure(_share(rejected), 503, CONGESTED),
            Failure(_share(vacant), 404, VACANT),
            Failure(_share(busy), 486, BUSY),
        ),
        early_audio={"ringback": 1.0},
        callees={"human": _share(human / answered), "voicemail": round(1.0 - _share(human / answered), 4)} if answered else {"human": 1.0},
        false_answer_share=_share(false / rings),
        false_answer_after_s=(0.5, 0.7),
    )


def _share(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", help="a file, or the name of a shipped one")
    parser.add_argument("--hour", type=float, default=0.0, help="hours of dialling since the beginning")
    parser.add_argument("--destination", default="")
    parser.add_argument("--calls", type=int, default=500)
    options = parser.parse_args()
    try:
        found = lab_scenario(load_scenario(options.scenario), options.hour, options.destination, options.calls)
    except MarketError as error:
        sys.exit(str(error))
    print(yaml.safe_dump(msgspec.to_builtins(found), sort_keys=False), end="")


if __name__ == "__main__":
    main()
