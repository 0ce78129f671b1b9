"""What Slack is owed, what it got, and what it got twice."""

from collections import Counter

from chaos.system_under_test import SystemUnderTest
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.settings import Settings
from lakehouse.slack.webhook import escape
from lakehouse.source.postgres import connect

# What is owed a message and has none that was sent, by what Postgres holds at the end.
COUNT_UNSENT_QUERY = """
    SELECT count(*) FROM strava_activities a JOIN ops.go_live ON created_at > live_since
    WHERE private IS FALSE AND NOT ({refused})
      AND NOT EXISTS (SELECT FROM ops.slack_outbox o WHERE o.activity_id = a.activity_id AND status = 'sent')
"""


def count_unsent(settings: Settings) -> int:
    """Give how many activities are owed a message that was not sent yet."""
    refusal_condition = " OR ".join(f"({rule.when}) IS TRUE" for rule in STRAVA_ACTIVITIES.rules)
    query = COUNT_UNSENT_QUERY.format(refused=refusal_condition.replace("committed_at", "created_at"))
    with connect(settings) as conn:
        row = conn.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def sent_and_received(system: SystemUnderTest) -> tuple[Counter[str], Counter[str]]:
    """Give the messages that the outbox says were sent, and those that Slack's server took, each with how often."""
    with connect(system.settings) as conn:
        rows = conn.execute("SELECT message FROM ops.slack_outbox WHERE status = 'sent'").fetchall()
    return Counter(escape(text) for (text,) in rows), Counter(system.slack.received)
