"""The reward rules of a new database."""

from datetime import date

from lakehouse.settings import Settings
from lakehouse.source.postgres import Connection

# Earlier than any activity, so that every past date has rules.
RULES_VALID_FROM = date(2000, 1, 1)


def seed_rules(conn: Connection, settings: Settings) -> bool:
    """Insert the company's rules into reward_rules where it is empty, and return whether it was.

    A changed DESTINATION does not alter existing rules: it needs a new row, valid from its own date.
    """
    inserted = conn.execute(
        """
        INSERT INTO public.reward_rules
          (valid_from, bonus_rate, walk_limit_m, bike_limit_m, min_activities, wellbeing_days, activity_window,
           destination)
        SELECT %s, 0.05, 15000, 25000, 15, 5, 'calendar_year', %s
        WHERE NOT EXISTS (SELECT FROM public.reward_rules)
        """,
        (RULES_VALID_FROM, settings.destination),
    )
    return inserted.rowcount > 0
