"""Values of rules as they are written on a command line, in the ranges that the database takes."""

import argparse
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

# As initdb/50_reward_rules.sql has them.
WINDOWS = ("calendar_year", "rolling_12_months")
RANGES: Mapping[str, tuple[Decimal, Decimal] | tuple[int, int]] = MappingProxyType(
    {
        "bonus_rate": (Decimal(0), Decimal(1)),
        "walk_limit_m": (100, 200_000),
        "bike_limit_m": (100, 200_000),
        "min_activities": (1, 1_000),
        "wellbeing_days": (0, 365),
    }
)
MOST = 200  # values of a sweep
DECIMALS = 4  # of a rate

Value = Decimal | int | str


def reader(rule: str) -> Callable[[str], Value]:
    """Give what reads a value of a rule, or says why the database would not take it."""
    low, high = RANGES[rule]
    kind = type(low)

    def value(text: str) -> Value:
        try:
            number = kind(text)
            fits = low <= number <= high
        except (ValueError, InvalidOperation):
            what = "a number" if kind is Decimal else "a whole number"
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}") from None
        if not fits:
            raise argparse.ArgumentTypeError(f"{rule} goes from {low} to {high}, not {text}")
        if number != round(number, DECIMALS):
            raise argparse.ArgumentTypeError(f"{rule} has {DECIMALS} decimals at most, not as many as {text}")
        return number

    return value


def sweep(text: str) -> tuple[str, list[Value]]:
    """Read RULE=FROM:TO:STEP: the rule, and its values from the one to the other, both included."""
    rule, _, numbers = text.partition("=")
    try:
        first, last, step = map(Decimal, numbers.split(":"))
        rises = step > 0 and first <= last and (last - first) / step < MOST
    except (ValueError, InvalidOperation):
        raise argparse.ArgumentTypeError(f"{text!r} is not like bonus_rate=0.04:0.08:0.005") from None
    if rule not in RANGES:
        raise argparse.ArgumentTypeError(f"{rule!r} is none of {', '.join(RANGES)}")
    if not rises:
        raise argparse.ArgumentTypeError(f"from a lower to a higher value, by a step over 0, and up to {MOST} values")
    one = reader(rule)
    return rule, [one(str(first + step * n)) for n in range(int((last - first) / step) + 1)]
