"""What a refresh is asked for on the command line: today's figures, those of another day, or by other rules."""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from lakehouse.gold.past import Question
from lakehouse.gold.rule_values import RANGES, WINDOWS, Value, reader, sweep
from lakehouse.gold.runs import MOVES_OVER

EXAMPLES = """examples:
  python scripts/Jobs_Spark/batch_refresh_silver_gold.py
  python scripts/Jobs_Spark/batch_refresh_silver_gold.py --as-of 2026-06-30
  python scripts/Jobs_Spark/batch_refresh_silver_gold.py --scenario taux6 --bonus-rate 0.06
  python scripts/Jobs_Spark/batch_refresh_silver_gold.py --sweep bonus_rate=0.04:0.08:0.005"""


@dataclass(frozen=True)
class Asked:
    """What was asked for; the question where it is another day's, and scenarios by name with the rules they change."""

    day: date
    wait: float
    rebuild: bool
    full: bool
    mark_over: float
    question: Question | None = None
    scenarios: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)


def parser(description: str) -> argparse.ArgumentParser:
    """Give the parser whose options `read` reads."""
    made = argparse.ArgumentParser(
        description=description, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument(
        "--wait",
        type=float,
        default=60,
        metavar="SECONDS",
        help="how long to wait for what Postgres has committed to be in Bronze; 0: take what is there (default: 60)",
    )
    made.add_argument(
        "--rebuild",
        action="store_true",
        help="empty Silver and read all of Bronze again (after a contract's rule changed)",
    )
    made.add_argument(
        "--full", action="store_true", help="compute every figure from all of Silver; the rows are the same"
    )
    made.add_argument(
        "--mark-over",
        type=_share,
        default=MOVES_OVER,
        metavar="SHARE",
        help="mark a figure that moves by more than this share of what it was (default: %(default)s)",
    )
    past = made.add_argument_group("another day, beside today's figures (gold.v_prime_sportive_au, v_wellbeing_au)")
    past.add_argument("--as-of", type=date.fromisoformat, metavar="DATE", help="by what held on that day")
    past.add_argument(
        "--known-at",
        type=date.fromisoformat,
        metavar="DATE",
        help="as it was known when that day ended (default: the day of --as-of)",
    )
    other = made.add_argument_group("what if, beside the real figures (gold.v_scenarios)")
    other.add_argument(
        "--scenario", type=_name, metavar="NAME", help="by the rules changed below; kept under this name"
    )
    for rule in RANGES:
        other.add_argument(_option(rule), type=reader(rule), metavar="X", help=f"another {rule}")
    other.add_argument(_option("activity_window"), choices=WINDOWS, help="another activity_window")
    other.add_argument(_option("destination"), metavar="ADDRESS", help="another destination, of known distances")
    other.add_argument(
        "--sweep",
        type=sweep,
        metavar="RULE=FROM:TO:STEP",
        help="a scenario for each value of a rule, all in one run",
    )
    return made


def read(made: argparse.ArgumentParser, today: date, arguments: Sequence[str] | None = None) -> Asked:
    """Give what was asked for; a contradiction, or a day to come, ends the program with what is wrong."""
    options = made.parse_args(arguments)
    changes: dict[str, Value] = {
        rule: value
        for rule in (*RANGES, "activity_window", "destination")
        if (value := getattr(options, rule)) is not None
    }
    if changes and not (options.scenario or options.sweep):
        made.error(f"{_option(next(iter(changes)))} needs --scenario NAME, which its figures are kept under")
    if options.scenario and not (changes or options.sweep):
        made.error(f"--scenario {options.scenario} changes no rule: add one, such as --bonus-rate 0.06")
    if options.known_at and not options.as_of:
        made.error("--known-at needs --as-of DATE, the day that the figures are of")
    question = Question(options.as_of, options.known_at or options.as_of) if options.as_of else None
    if question and question.is_to_come(today):
        made.error(f"nothing is known of a day to come: today is {today}")
    if options.full and (question or options.scenario or options.sweep):
        made.error("--full is about today's figures; others are always computed from all that counts for them")
    return Asked(
        day=options.as_of or today,
        wait=options.wait,
        rebuild=options.rebuild,
        full=options.full,
        mark_over=options.mark_over,
        question=question,
        scenarios=_scenarios(options.scenario, changes, options.sweep),
    )


def _scenarios(
    name: str | None, changes: Mapping[str, Value], swept: tuple[str, list[Value]] | None
) -> Mapping[str, Mapping[str, Value]]:
    if swept is None:
        return {name: changes} if name else {}
    rule, values = swept
    return {f"{name or ''} {rule}={_shortest(value)}".strip(): {**changes, rule: value} for value in values}


def _shortest(value: Value) -> str:
    """Give a number without the zeros that another sweep may write it with, for a name is a place to be kept in."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _share(text: str) -> float:
    if not (share := float(text)) >= 0:
        raise argparse.ArgumentTypeError("a share of 0 or more: 0.1 is 10 %")
    return share


def _name(text: str) -> str:
    if not re.fullmatch(r"[\w.-]{1,60}", text):
        raise argparse.ArgumentTypeError("letters, digits, dots, dashes and underscores, up to 60 of them")
    return text


def _option(rule: str) -> str:
    return f"--{rule.replace('_', '-')}"
