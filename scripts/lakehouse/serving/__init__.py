"""The Spark Thrift server: its command, its client and Gold's views. Nothing here imports pyspark."""
