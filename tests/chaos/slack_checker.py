"""The messages to Slack: how many are still due, which were marked as sent, and which Slack received."""

from collections import Counter

from chaos.system_under_test import SystemUnderTest
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.settings import Settings
from lakehouse.slack.webhook import escape
from lakehouse.source.postgres import connect

# Activities in Postgres that are due a message and have none marked as sent.
COUNT_UNSENT_QUERY = """
    SELECT count(*) FROM strava_activities a JOIN ops.go_live ON created_at > live_since
    WHERE private IS FALSE AND NOT ({refused})
      AND NOT EXISTS (SELECT FROM ops.slack_outbox o WHERE o.activity_id = a.activity_id AND status = 'sent')
"""


def count_unsent(settings: Settings) -> int:
    """Return the number of activities that are due a Slack message and have none sent.

    Due are activities created after go-live, not private, and accepted by the contract's rules.
    """
    refusal_condition = " OR ".join(f"({rule.when}) IS TRUE" for rule in STRAVA_ACTIVITIES.rules)
    query = COUNT_UNSENT_QUERY.format(refused=refusal_condition.replace("committed_at", "created_at"))
    with connect(settings) as conn:
        row = conn.execute(query).fetchone()
    return int(row[0]) if row else 0


def sent_and_received(system: SystemUnderTest) -> tuple[Counter[str], Counter[str]]:
    """Return two counters of message texts: those marked as sent in the outbox, and those that Slack received."""
    with connect(system.settings) as conn:
        rows = conn.execute("SELECT message FROM ops.slack_outbox WHERE status = 'sent'").fetchall()
    return Counter(escape(text) for (text,) in rows), Counter(system.slack.texts)
