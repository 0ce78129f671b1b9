"""Structured logs: readable lines by default, JSON with LOG_FORMAT=json. They hold no name, address or salary."""

import logging
import sys
from pathlib import Path
from typing import Literal

import structlog

LogFormat = Literal["text", "json"]


def configure(log_format: LogFormat = "text", level: str = "INFO") -> None:
    """Send every log line, of this code and of the libraries, to stderr in one format."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        # The default traceback shows every local variable: keys, names, addresses.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), pad_event_to=36, exception_formatter=structlog.dev.plain_traceback
        )
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info if log_format == "json" else _passthrough,
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    # It logs, with tracebacks and by the root logger too, what it also raises.
    handler.addFilter(lambda record: Path(record.pathname).parent.name != "py4j")
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # Its warnings quote request URLs. Slack's webhook is a secret; the legacy Distance Matrix's URLs contain the API
    # key and a home address.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    # kafka-python logs an outage in dozens of lines; its callers log it in one.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a service, by its name (`stream`, `slack`)."""
    log: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return log


def _passthrough(
    _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return event
