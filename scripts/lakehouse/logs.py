"""Structured logs: readable lines by default, JSON with LOG_FORMAT=json. Never a name, an address or a salary."""

import logging
import sys

import structlog

from lakehouse.settings import LogFormat


def configure(log_format: LogFormat = "text", level: str = "INFO") -> None:
    """Send every log line, ours and the libraries', to stderr in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        # The usual one shows every local variable: keys, names, addresses.
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
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for chatty in ("py4j", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # Its warnings quote addresses of requests, and the legacy matrix has its key and a home in them.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    # It tells an outage in dozens of lines; whoever uses it tells it in one.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """Give the logger of a part, by its name (`stream`, `slack`)."""
    log: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return log


def _passthrough(
    _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return event
