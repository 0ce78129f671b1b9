"""Change data capture from Debezium's topics into Delta tables: every change raw in Bronze, the table in Silver.

Knows Debezium and Delta, and no company: a Contract says which table, key, columns and rules.
"""
