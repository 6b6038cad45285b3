"""`trunkline numbers forecast` as a person reads it, over a journal of ten days."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.numbers.market import DAY, HOUR, Market, added
from trunkline.cli import app
from trunkline.numbers import Event
from trunkline.policy.number_rules import Rules
from trunkline.records import Journal

TODAY = time.time_ns() // 1000 // DAY


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty numbers that made 600 calls a day; two were put to rest. Three numbers nobody called with."""
    folder = tmp_path_factory.mktemp("forecast")
    market = Market(Rules())
    market.now = (TODAY - 10) * DAY + 8 * HOUR
    for pool, area, count in (("sales-us", "415", 20), ("service-us", "212", 3)):
        for i in range(count):
            market.emit(added(f"+1{area}555{1000 + i}", pool, use=pool))
            market.person(f"+1{area}555{1000 + i}", Event.PROMOTE)
    for day in range(10):
        market.day_of_calls(600, lambda number, gateway: 0.3)
        if day in (4, 7):
            market.person(f"+1415555{1000 + day}", Event.REST)
    journal = Journal(folder / "journal", low_water_bytes=0)
    for fact in market.journal:
        journal.append(fact)
    journal.flush(market.now)
    journal.close(market.now)
    return folder


def asked(data: Path, *args: str) -> str:
    done = CliRunner().invoke(app, ["numbers", "forecast", *args, "--data", str(data)])
    assert done.exit_code == 0, done.output
    return done.output


def date(ahead: int) -> str:
    return (datetime.now(UTC) + timedelta(days=ahead)).strftime("%Y-%m-%d")


def test_a_plan_beyond_what_there_is_says_how_many_by_when_and_that_it_is_late(data: Path) -> None:
    """4,000 calls at 100 a day filled to four fifths are 50 numbers; what rests and is on probation comes on top: 2.5 losses in 243 number-days (50 of them
    assumed), 37 days away each, 13 of 14 of them: 50 x (1 + 0.0103 x 37 x 0.93) is 68. There are 18, so 28 days ago was the time to order."""
    lines = asked(data, "sales-us", "--busiest-day", "4000").splitlines()
    assert lines[0].startswith(f"pool sales-us: 18 numbers in use; 68 needed by {date(120)} (")
    assert lines[1].startswith("  busiest day 4,000 calls; one number is lost in 97 number-days (34 to ")
    assert lines[2].startswith("  order 50 (")
    assert lines[2].endswith(f" by {date(-28)}, 28 days too late")
    assert "10 % of its calls in the busiest hour" in lines[3]


def test_a_plan_within_what_there_is_asks_for_nothing_but_tells_the_cautious_figure(data: Path) -> None:
    lines = asked(data, "sales-us").splitlines()
    assert lines[1].startswith("  busiest day 600 calls (600 to 600)")
    assert lines[2].startswith("  nothing to order")


def test_a_pool_that_never_called_is_not_told_that_it_needs_nothing(data: Path) -> None:
    assert "no whole day with calls in the last 28 days: say what is planned with --busiest-day" in asked(data, "service-us")
    assert "order" in asked(data, "service-us", "--busiest-day", "500")


def test_json_has_dates_as_dates(data: Path) -> None:
    found: dict[str, Any] = json.loads(asked(data, "sales-us", "--busiest-day", "4000", "--json"))
    assert found["order_by"] == date(-28)
    assert found["order"][1] == 50


def test_an_unknown_pool_is_refused(data: Path) -> None:
    done = CliRunner().invoke(app, ["numbers", "forecast", "nowhere", "--data", str(data)])
    assert (done.exit_code, "There is no pool nowhere" in done.output) == (1, True)


def test_a_state_no_number_can_have_is_refused_with_those_there_are(data: Path) -> None:
    result = CliRunner().invoke(app, ["numbers", "list", "--state", "relased", "--data", str(data)])
    assert result.exit_code == 2
    assert "did you mean `released`?" in result.stderr
