"""Parsers for the values of reward rules on a command line, within the ranges that Postgres accepts."""

import argparse
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from lakehouse.arguments import DECIMAL

# The constraints of initdb/50_reward_rules.sql.
ACTIVITY_WINDOWS = ("calendar_year", "rolling_12_months")
RULE_RANGES: Mapping[str, tuple[Decimal, Decimal] | tuple[int, int]] = MappingProxyType(
    {
        "bonus_rate": (Decimal(0), Decimal(1)),
        "walk_limit_m": (100, 200_000),
        "bike_limit_m": (100, 200_000),
        "min_activities": (1, 1_000),
        "wellbeing_days": (0, 365),
    }
)
MAX_SWEEP_VALUES = 200  # scenarios in one run
MAX_RATE_DECIMALS = 4  # of bonus_rate, numeric(6,4)

RuleValue = Decimal | int | str


def value_parser(rule: str) -> Callable[[str], RuleValue]:
    """Return the argparse type of a rule's values.

    It raises ArgumentTypeError for a value outside the rule's range, which is that of its CHECK in Postgres.
    """
    low, high = RULE_RANGES[rule]
    value_type = type(low)

    def parse_value(text: str) -> RuleValue:
        try:
            number = value_type(_digits(text))
            fits = low <= number <= high
        except (ValueError, InvalidOperation):
            expected = "a number" if value_type is Decimal else "a whole number"
            raise argparse.ArgumentTypeError(f"{text!r} is not {expected}") from None
        if not fits:
            raise argparse.ArgumentTypeError(f"{rule} goes from {low} to {high}, not {text}")
        if number != round(number, MAX_RATE_DECIMALS):
            raise argparse.ArgumentTypeError(f"{rule} has {MAX_RATE_DECIMALS} decimals at most, not as many as {text}")
        return number

    return parse_value


def parse_sweep(text: str) -> tuple[str, list[RuleValue]]:
    """Parse RULE=FROM:TO:STEP and return the rule with its values, FROM and TO included."""
    rule, _, numbers = text.partition("=")
    try:
        first, last, step = (Decimal(_digits(number)) for number in numbers.split(":"))
        is_valid = step > 0 and first <= last and (last - first) / step < MAX_SWEEP_VALUES
    except (ValueError, InvalidOperation):
        raise argparse.ArgumentTypeError(f"{text!r} is not like bonus_rate=0.04:0.08:0.005") from None
    if rule not in RULE_RANGES:
        raise argparse.ArgumentTypeError(f"{rule!r} is none of {', '.join(RULE_RANGES)}")
    if not is_valid:
        raise argparse.ArgumentTypeError(
            f"a sweep goes from a lower to a higher value, by a step over 0, with up to {MAX_SWEEP_VALUES} values"
        )
    parse_value = value_parser(rule)
    return rule, [parse_value(str(first + step * n)) for n in range(int((last - first) / step) + 1)]


def _digits(text: str) -> str:
    """Return a decimal number in ASCII digits as it is; raise ValueError for NaN, an exponent and others."""
    if not DECIMAL.fullmatch(text):
        raise ValueError(text)
    return text
