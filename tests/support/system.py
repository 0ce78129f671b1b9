"""A whole system for a test: a stack on free ports, a fake Slack, and the sample company to load."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from typing_extensions import Self

from lakehouse.cdc.table_store import TableStore
from lakehouse.clock import today
from lakehouse.contracts import CAPTURED
from lakehouse.hr.full_load import full_load
from lakehouse.hr.load_options import LoadOptions
from lakehouse.local.service import Service
from lakehouse.local.service_addresses import on_free_ports
from lakehouse.local.services import services
from lakehouse.local.stack import Stack
from lakehouse.settings import Settings
from lakehouse.simulator.backfill import insert_history
from lakehouse.simulator.sample_company import write_sample_files
from lakehouse.source import consistent_cut
from support.fake_slack import FakeSlack

Log = Callable[[str], None]


@dataclass(frozen=True)
class System:
    """A stack, its fake Slack and the log of the run."""

    stack: Stack
    slack: FakeSlack
    log: Log

    @classmethod
    @contextmanager
    def define(
        cls,
        home: Path,
        slack: FakeSlack,
        log: Log = print,
        service_factory: Callable[[Path, Settings], list[Service]] = services,
        **fields: Any,
    ) -> Iterator[Self]:
        """Yield a system in the folder `home` whose services are not started yet; stop them when the block ends."""
        settings = on_free_ports(home).model_copy(update={"slack_webhook_url": slack.webhook})
        stack = Stack(home, settings, log, service_factory)
        try:
            yield cls(stack, slack, log, **fields)
        finally:
            stack.down()

    @property
    def settings(self) -> Settings:
        return self.stack.settings

    def load_company(self, months: int = 1, seed: int = 1) -> None:
        """Load the sample company with `months` of activities drawn by `seed`."""
        write_sample_files(self.stack.home / "input")
        backfill = partial(insert_history, rng=Random(seed), months=months)
        list(full_load(self.settings, LoadOptions(self.stack.home / "input"), backfill, today=today()))

    def drain(self, timeout: float) -> None:
        """Wait until Bronze has all changes committed so far. Raises NotReady after the timeout (seconds)."""
        consistent_cut.wait_for_consistent_cut(self.settings, TableStore(self.settings.lake), CAPTURED, timeout)
