"""The rules of reward that a new database starts with."""

from datetime import date

import psycopg

from lakehouse.settings import Settings

# Before any activity: every past date has rules.
RULES_VALID_FROM = date(2000, 1, 1)


def seed_rules(conn: psycopg.Connection, settings: Settings) -> bool:
    """Put the company's rules into an empty reward_rules; give whether it was empty.

    A changed DESTINATION does not reach a table that has rules: it takes a row of its own, from its date on.
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
