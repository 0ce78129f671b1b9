"""The columns and the suffix of tables and views as of a day. Nothing here imports pyspark."""

from collections.abc import Mapping
from types import MappingProxyType

AS_OF_SUFFIX = "_au"
# valid on the day `as_of`, from what was known at the end of the day `known_at`
AS_OF_COLUMNS: Mapping[str, str] = MappingProxyType({"as_of": "date", "known_at": "date"})
