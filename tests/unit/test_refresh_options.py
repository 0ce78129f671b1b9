"""The options of a refresh: what they mean, and the error for an invalid one."""

import subprocess
from datetime import date
from decimal import Decimal

import pytest

from lakehouse.gold.bitemporal import AsOf
from lakehouse.local.service import job_command
from lakehouse.refresh.options import RefreshOptions, build_parser, parse

TODAY = date(2026, 11, 28)


def parse_options(*arguments: str) -> RefreshOptions:
    return parse(build_parser(""), TODAY, arguments)


def test_refresh_without_options_is_for_today() -> None:
    options = parse_options()
    assert (options.day, options.time_point, dict(options.scenarios)) == (TODAY, None, {})


def test_watcher_has_its_interval_in_seconds_and_a_single_refresh_has_none() -> None:
    assert parse_options().watch is None
    options = parse_options("--watch", "2min", "--wait", "30", "--alert-threshold", "0.05")
    assert (options.watch, options.wait, options.alert_threshold) == (120, 30, 0.05)


def test_known_at_defaults_to_as_of() -> None:
    june, july = date(2026, 6, 30), date(2026, 7, 31)
    assert parse_options("--as-of", "2026-06-30").time_point == AsOf(june, june)
    assert parse_options("--as-of", "2026-06-30", "--known-at", "2026-07-31").time_point == AsOf(june, july)
    assert parse_options("--as-of", "2026-06-30").day == june


def test_a_scenario_changes_the_rules_it_names() -> None:
    options = parse_options("--scenario", "taux6", "--bonus-rate", "0.06", "--min-activities", "12")
    assert options.scenarios == {"taux6": {"bonus_rate": Decimal("0.06"), "min_activities": 12}}


def test_parameter_sweep_is_one_scenario_per_value_including_both_ends() -> None:
    options = parse_options("--sweep", "bonus_rate=0.04:0.06:0.005")
    assert options.scenarios == {
        f"bonus_rate={rate}": {"bonus_rate": Decimal(rate)} for rate in ("0.04", "0.045", "0.05", "0.055", "0.06")
    }
    named = parse_options("--scenario", "court", "--walk-limit-m", "9000", "--sweep", "min_activities=10:12:1")
    assert named.scenarios == {
        f"court min_activities={count}": {"walk_limit_m": 9_000, "min_activities": count} for count in (10, 11, 12)
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--as-of", "2026-11-29"], "nothing is known of a day to come: today is 2026-11-28"),
        (["--as-of", "2026-06-30", "--known-at", "2027-01-01"], "nothing is known of a day to come"),
        (["--known-at", "2026-06-30"], "--known-at needs --as-of"),
        (["--as-of", "hier"], "argument --as-of: 'hier' is not a day from 1900-01-01"),
        (["--bonus-rate", "0.06"], "--bonus-rate needs --scenario NAME"),
        (["--scenario", "rien"], "changes no rule: add one, such as --bonus-rate 0.06"),
        (["--scenario", "a'b", "--bonus-rate", "0.06"], "letters, digits, dots, dashes and underscores"),
        (["--scenario", "x", "--bonus-rate", "6"], "bonus_rate goes from 0 to 1, not 6"),
        (["--scenario", "x", "--bonus-rate", "NaN"], "'NaN' is not a number"),
        (["--scenario", "x", "--bonus-rate", "0.05125"], "bonus_rate has 4 decimals at most, not as many as 0.05125"),
        (["--sweep", "bonus_rate=0.05:0.051:0.00025"], "bonus_rate has 4 decimals at most"),
        (["--scenario", "x", "--walk-limit-m", "15.5"], "'15.5' is not a whole number"),
        (["--scenario", "x", "--walk-limit-m", "15"], "walk_limit_m goes from 100 to 200000, not 15"),
        (["--sweep", "bonus_rate=0.08:0.04:0.01"], "from a lower to a higher value"),
        (["--sweep", "bonus_rate=0:1:0.001"], "up to 200 values"),
        (["--sweep", "bonus_rate=0:1"], "is not like bonus_rate=0.04:0.08:0.005"),
        (["--sweep", "salaire=1:2:1"], "'salaire' is none of bonus_rate"),
        (["--sweep", "min_activities=10:12:0.5"], "is not a whole number"),
        (["--full-refresh", "--as-of", "2026-06-30"], "--full-refresh is about today's figures"),
        (["--unverified", "--as-of", "2026-06-30"], "--unverified is about today's figures"),
        (["--unverified", "--scenario", "x", "--bonus-rate", "0.06"], "rest on the last proved cut"),
        (["--watch", "15"], "'15' is not a duration from 1s to 24h, like 15s or 2min"),
        (["--watch", "0s"], "is not a duration"),
        (["--watch"], "expected one argument, a duration from 1s to 24h"),
        (["--watch", "15s", "--as-of", "2026-06-30"], "--as-of is about one refresh: run that beside it"),
        (["--watch", "15s", "--scenario", "x", "--bonus-rate", "0.06"], "--scenario is about one refresh"),
        (["--watch", "15s", "--sweep", "bonus_rate=0.04:0.06:0.01"], "--sweep is about one refresh"),
        (["--watch", "15s", "--full-refresh"], "--full-refresh is about one refresh"),
        (["--watch", "15s", "--rebuild-silver"], "--rebuild-silver is about one refresh"),
        (["--watch", "15s", "--unverified"], "--unverified is about one refresh"),
        (["--watch", "15s", "--wait", "0"], "--watch proves each refresh, which --wait 0 would leave out"),
        (["--alert-threshold", "-1"], "is not a number from 0 to 1000"),
    ],
)
def test_invalid_refresh_option_is_an_error_with_its_remedy(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as exited:
        parse_options(*arguments)
    assert exited.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_explanation_of_a_future_day_is_refused_in_french() -> None:
    command = job_command("explain_employee.py", "--employee", "1", "--as-of", "2999-01-01")
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert completed.returncode == 2
    assert "rien n'est connu d'un jour à venir" in completed.stderr
