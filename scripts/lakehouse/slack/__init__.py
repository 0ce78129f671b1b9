"""Messages in Slack about new activities: enqueued in an outbox in Postgres, and sent once."""
