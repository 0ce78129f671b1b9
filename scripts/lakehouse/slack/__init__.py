"""Messages that cheer people on in Slack: owed by activities, kept in an outbox, sent once."""
