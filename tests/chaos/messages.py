"""What Slack is owed, what it got, and what it got twice."""

from collections import Counter

from chaos.system import System
from lakehouse.contracts import STRAVA_ACTIVITIES
from lakehouse.settings import Settings
from lakehouse.slack.webhook import escaped
from lakehouse.source.postgres import connect

# What is owed a message and has none that was sent, by what Postgres holds at the end.
UNSENT = """
    SELECT count(*) FROM strava_activities a JOIN ops.go_live ON created_at > live_since
    WHERE private IS FALSE AND NOT ({refused})
      AND NOT EXISTS (SELECT FROM ops.slack_outbox o WHERE o.activity_id = a.activity_id AND status = 'sent')
"""


def unsent(settings: Settings) -> int:
    """Give how many activities are owed a message that was not sent yet."""
    refused = " OR ".join(f"({rule.when}) IS TRUE" for rule in STRAVA_ACTIVITIES.rules)
    asked = UNSENT.format(refused=refused.replace("committed_at", "created_at"))
    with connect(settings) as conn:
        row = conn.execute(asked.encode()).fetchone()
    return int(row[0]) if row else 0


def noted_and_received(system: System) -> tuple[Counter[str], Counter[str]]:
    """Give the messages that the outbox says were sent, and those that Slack's server took, each with how often."""
    with connect(system.settings) as conn:
        found = conn.execute("SELECT message FROM ops.slack_outbox WHERE status = 'sent'").fetchall()
    return Counter(escaped(text) for (text,) in found), Counter(system.slack.received)
