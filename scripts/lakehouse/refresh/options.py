"""Command line of a refresh: current figures, figures as of another day, or scenarios with other rules."""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from lakehouse.arguments import DAY_OF_DATA, REFRESH_INTERVAL, WAIT_S, Line, Number, Parser
from lakehouse.gold.bitemporal import AsOf
from lakehouse.refresh.rule_options import ACTIVITY_WINDOWS, RULE_RANGES, RuleValue, parse_sweep, value_parser
from lakehouse.refresh.runs import DEFAULT_ALERT_THRESHOLD

MAX_ALERT_THRESHOLD = 1_000  # 100,000 %
REFRESH_EXAMPLES = """examples:
  python scripts/Jobs_Spark/batch_refresh_silver_gold.py
  python scripts/Jobs_Spark/batch_refresh_silver_gold.py --watch 15s
  python scripts/Jobs_Spark/batch_refresh_silver_gold.py --as-of 2026-06-30
  python scripts/Jobs_Spark/batch_refresh_silver_gold.py --scenario taux6 --bonus-rate 0.06
  python scripts/Jobs_Spark/batch_refresh_silver_gold.py --sweep bonus_rate=0.04:0.08:0.005"""


@dataclass(frozen=True)
class RefreshOptions:
    """The parsed options of a refresh.

    `time_point` is None for current figures. `scenarios` maps a scenario's name to the rules that it changes. `wait`
    and `watch` are in seconds, `alert_threshold` is a fraction. `watch` is None for one refresh.
    """

    day: date
    wait: float
    rebuild_silver: bool
    full_refresh: bool
    alert_threshold: float
    unverified: bool = False
    watch: float | None = None
    time_point: AsOf | None = None
    scenarios: Mapping[str, Mapping[str, RuleValue]] = field(default_factory=dict)


def build_parser(description: str) -> Parser:
    """Return the parser of the options that `parse` evaluates."""
    parser = Parser(
        description=description, epilog=REFRESH_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--wait",
        type=WAIT_S,
        default=60,
        metavar="SECONDS",
        help="how long to wait until Bronze has all that Postgres committed; "
        "0: use what Bronze has, unproved (default: 60)",
    )
    parser.add_argument(
        "--watch",
        type=REFRESH_INTERVAL,
        metavar="INTERVAL",
        help="go on until stopped, and refresh whenever Bronze has moved, at most once per interval: 15s, 2min, 1h",
    )
    parser.add_argument(
        "--rebuild-silver",
        action="store_true",
        help="compute all of Silver from Bronze again (after a rule of a contract changed)",
    )
    parser.add_argument(
        "--full-refresh", action="store_true", help="recompute every figure from all of Silver; the rows are the same"
    )
    parser.add_argument(
        "--alert-threshold",
        type=Number(0, MAX_ALERT_THRESHOLD),
        default=DEFAULT_ALERT_THRESHOLD,
        metavar="SHARE",
        help="mark a total that changes by more than this share of its old value (default: %(default)s)",
    )
    parser.add_argument(
        "--unverified",
        action="store_true",
        help="in an emergency: compute without comparing Silver with Postgres first; gold.v_journal notes it",
    )
    as_of_group = parser.add_argument_group(
        "figures as of another day, in addition to the current ones (gold.v_prime_sportive_au, v_wellbeing_au)"
    )
    as_of_group.add_argument("--as-of", type=DAY_OF_DATA, metavar="DATE", help="use the data valid on that day")
    as_of_group.add_argument(
        "--known-at",
        type=DAY_OF_DATA,
        metavar="DATE",
        help="use the data known at the end of that day (default: the day of --as-of)",
    )
    what_if_group = parser.add_argument_group("what-if scenarios, compared with the real figures (gold.v_scenarios)")
    what_if_group.add_argument(
        "--scenario",
        type=_parse_scenario_name,
        metavar="NAME",
        help="name under which the figures by the rules below are stored",
    )
    for rule in RULE_RANGES:
        what_if_group.add_argument(_option_name(rule), type=value_parser(rule), metavar="X", help=f"another {rule}")
    what_if_group.add_argument(
        _option_name("activity_window"), choices=ACTIVITY_WINDOWS, help="another activity_window"
    )
    what_if_group.add_argument(
        _option_name("destination"),
        type=Line(),
        metavar="ADDRESS",
        help="another destination; its distances must be known",
    )
    what_if_group.add_argument(
        "--sweep",
        type=parse_sweep,
        metavar="RULE=FROM:TO:STEP",
        help="one scenario per value of a rule, all in one run",
    )
    return parser


def parse(parser: Parser, today: date, arguments: Sequence[str] | None = None) -> RefreshOptions:
    """Return the options; exit with a usage error where they contradict each other or name a future day."""
    options = parser.parse_args(arguments)
    overrides: dict[str, RuleValue] = {
        rule: value
        for rule in (*RULE_RANGES, "activity_window", "destination")
        if (value := getattr(options, rule)) is not None
    }
    if overrides and not (options.scenario or options.sweep):
        parser.error(f"{_option_name(next(iter(overrides)))} needs --scenario NAME, under which its figures are stored")
    if options.scenario and not (overrides or options.sweep):
        parser.error(f"--scenario {options.scenario} changes no rule: add one, such as --bonus-rate 0.06")
    if options.known_at and not options.as_of:
        parser.error("--known-at needs --as-of DATE, the day of the figures")
    time_point = AsOf(options.as_of, options.known_at or options.as_of) if options.as_of else None
    if time_point and time_point.is_in_future(today):
        parser.error(f"nothing is known of a day to come: today is {today}")
    if options.full_refresh and (time_point or options.scenario or options.sweep):
        parser.error(
            "--full-refresh is about today's figures; figures as of a day and scenarios are always computed in full"
        )
    if options.unverified and (time_point or options.scenario or options.sweep):
        parser.error(
            "--unverified is about today's figures; figures as of a day and scenarios rest on the last proved cut"
        )
    if options.watch:
        _ensure_watchable(parser, options)
    return RefreshOptions(
        day=options.as_of or today,
        wait=options.wait,
        rebuild_silver=options.rebuild_silver,
        full_refresh=options.full_refresh,
        alert_threshold=options.alert_threshold,
        unverified=options.unverified,
        watch=options.watch,
        time_point=time_point,
        scenarios=_build_scenarios(options.scenario, overrides, options.sweep),
    )


def _ensure_watchable(parser: Parser, options: argparse.Namespace) -> None:
    """Exit with a usage error where an option is about one refresh, or leaves out the proof."""
    single_run_options = ("as_of", "scenario", "sweep", "rebuild_silver", "full_refresh", "unverified")
    if name := next((name for name in single_run_options if getattr(options, name)), None):
        parser.error(
            f"--watch keeps today's figures fresh, and {_option_name(name)} is about one refresh: "
            "run that beside it, without --watch"
        )
    if not options.wait:
        parser.error("--watch proves each refresh, which --wait 0 would leave out: give it at least a second")


def _build_scenarios(
    name: str | None, overrides: Mapping[str, RuleValue], sweep: tuple[str, list[RuleValue]] | None
) -> Mapping[str, Mapping[str, RuleValue]]:
    if sweep is None:
        return {name: overrides} if name else {}
    rule, values = sweep
    return {f"{name or ''} {rule}={_format_value(value)}".strip(): {**overrides, rule: value} for value in values}


def _format_value(value: RuleValue) -> str:
    """Return a number without trailing zeros: equal values must have the same scenario name."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _parse_scenario_name(text: str) -> str:
    if not re.fullmatch(r"[\w.-]{1,60}", text):
        raise argparse.ArgumentTypeError("a name has 1 to 60 letters, digits, dots, dashes and underscores")
    return text


def _option_name(rule: str) -> str:
    return f"--{rule.replace('_', '-')}"
