"""The Thrift server, as a client sees it: Gold's views, and questions to them. Nothing here needs Spark."""
