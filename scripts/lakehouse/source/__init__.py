"""The source system: Postgres, its Debezium connector, and the Kafka topics between it and the lake."""
