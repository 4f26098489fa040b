"""What the gate says: a short fixed event name with key = value pairs, one line per request that was judged.

Addresses are masked before they get here or not given at all; there are no bodies, no queries, no headers, and of paths
only the segments that documentation has.
Requests that pass are told at debug level when they are harmless and at info level when they are sends.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import Any, ClassVar, TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from policy.events import Conflict
from policy.identity import masked
from policy.model import Ending, Outcome
from policy.policy import Erased
from policy.store.erasing import COUNTED, KEPT
from proxy.clicks import Action
from proxy.unsubscribe import Visit
from proxy.webhooks import Heard

_SHOWN = 5  # refused recipients named in one line; the records hold them all


def configure(level: str, style: str, stream: TextIO = sys.stdout) -> None:
    """Send the log to a stream: as JSON for machines, or in colours for people."""
    rendered: list[Processor]
    if style == "json":
        rendered = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json)]
    else:
        rendered = [_tame, structlog.dev.ConsoleRenderer(colors=stream.isatty())]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *rendered,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Surviving(stream))),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Library()], force=True)


class _Surviving:
    """A stream that loses lines rather than raise: a full disk or a gone reader must not end a request half-way."""

    lost: ClassVar[int] = 0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except (OSError, ValueError):
            _Surviving.lost += 1

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


def lost_lines() -> int:
    """Say how many lines could not be written since the start."""
    return _Surviving.lost


class _Library(logging.Handler):
    """Hands on what libraries log, without the text of requests that they may quote."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a handler that raises would end whatever logged."""
        failure = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        structlog.get_logger().log(record.levelno, "library", logger=record.name, failure=failure)


def get() -> FilteringBoundLogger:
    """Give the logger, as it is configured when a line is written."""
    return _CURRENT.logger()


class _Current:
    """The logger of the configuration in force; making one for each line would cost as much as writing the line."""

    def __init__(self) -> None:
        self._processors: object = None
        self._logger: FilteringBoundLogger

    def logger(self) -> FilteringBoundLogger:
        processors = structlog.get_config()["processors"]  # each configuration brings a list of its own
        if processors is not self._processors:
            self._processors, self._logger = processors, structlog.get_logger().bind()
        return self._logger


_CURRENT = _Current()


def observe(outcome: Outcome) -> None:
    """Tell how one request at the senders' door ended."""
    logger = get()
    if outcome.ending is Ending.PASSED_THROUGH and not outcome.marks:
        logger.debug("passed_through", **_told(outcome))
    elif outcome.ending is Ending.FAILED:
        logger.warning("failed", **_told(outcome))
    else:
        logger.info(outcome.ending.value, **_told(outcome))


def heard(heard: Heard) -> None:
    """Tell how one request at the providers' door ended."""
    told = {"route": heard.route, "provider": heard.provider, "cause": heard.cause, **heard.items}
    say = get().info if heard.result == "learned" else get().warning
    say(f"webhook_{heard.result}", **{name: value for name, value in told.items() if value})


def conflicted(conflict: Conflict) -> None:
    """Tell of one conflict of a provider's own list with the standing that came about."""
    told = {"route": conflict.route, "provider": conflict.provider, "channel": conflict.channel.value}
    get().warning("provider_conflict", kind=conflict.kind.value, **told, address=conflict.address)


def erased(erased: Erased, by: str) -> None:
    """Tell of one erasure by the key that asked for it: what went, and not whose; the journal has the sequence too."""
    settled = erased.settled
    left = (
        {} if settled.log_emptied and not settled.left else {"log_emptied": settled.log_emptied, "left": settled.left}
    )
    rows = {name: erased.counts[name] for name in (*COUNTED, KEPT)}
    get().info("erased", sequence=erased.sequence, by=by, people=erased.people, rows=rows, **left)


def visited(visit: Visit) -> None:
    """Tell how one request at the recipients' door ended; pages, which scanners open, at debug level."""
    told = {"channel": visit.channel, "campaign": _campaign(visit.campaign), "cause": visit.cause}
    logger = get()
    say = logger.info
    if visit.action is Action.SHOW:
        say = logger.debug
    if visit.result == "unavailable":
        say = logger.warning
    say(
        f"unsubscribe_{visit.result}",
        action=visit.action.value,
        **{name: value for name, value in told.items() if value},
    )


def _campaign(name: str) -> str:
    """Give a campaign's name, which is free text and may be an address."""
    return masked(name) if "@" in name else name


def _told(outcome: Outcome) -> dict[str, Any]:
    told: dict[str, Any] = {
        "decision": outcome.decision,
        "route": outcome.route,
        "sender": outcome.sender,
        "request": outcome.request,
        "client": outcome.client,
        "cause": outcome.cause,
        "campaign": _campaign(outcome.campaign),
        "class": outcome.message_class,
        "recipients": outcome.recipients,
        "reason": outcome.reason,
        "passed_by": list(outcome.marks),
        "stripped": list(outcome.stripped),
        "links": dict(outcome.links),
        "upstream_status": outcome.upstream_status,
        "judged_ms": _milliseconds(outcome.judged_seconds),
        "upstream_ms": _milliseconds(outcome.upstream_seconds),
    }
    if outcome.refused:
        told["refused"] = len(outcome.refused)
        told["refusals"] = [_refusal(each.recipient.address, each.reason) for each in outcome.refused[:_SHOWN]]
    if not (outcome.enforced and all(each.enforced for each in outcome.refused)):
        told["enforced"] = False
    return {name: value for name, value in told.items() if value not in (None, "", [], {})}


def _refusal(address: str, reason: str) -> str:
    return f"{masked(address)} {reason}"


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def _tame(_logger: object, _method: str, told: EventDict) -> EventDict:
    """Leave nothing in texts that moves a terminal's cursor or sets its colours: a campaign's name is a sender's."""
    return {name: _printable(value) if isinstance(value, str) else value for name, value in told.items()}


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _json(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=str).decode()
