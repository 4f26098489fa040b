"""More headers for a raw message: put behind those that it has; every other byte stays.

A signature may speak of headers that are not there, so that nobody adds them (RFC 6376, section 5.4.2). Such a message
takes none of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from proxy.formats.encoded_texts import Edit
from proxy.formats.mime import Mime

_SIGNATURES = ("dkim-signature", "arc-message-signature")
_SIGNED = re.compile(r"(?:\A|;)\s*h\s*=([^;]*)", re.IGNORECASE)


def signs(message: Mime, names: Iterable[str]) -> bool:
    """Tell whether a signature of the message speaks of a header of one of these names, or of which it does not say."""
    wanted = {name.lower() for name in names}
    return any(wanted & _signed(value, wanted) for name in _SIGNATURES for value in message.values(name))


def _signed(signature: str, otherwise: set[str]) -> set[str]:
    told = _SIGNED.findall(signature)
    return {name.strip().lower() for value in told for name in value.split(":")} if told else otherwise


def headed(message: Mime, values: Mapping[str, str], edits: Sequence[Edit] = ()) -> bytes:
    """Give the message with these headers behind its own, and with edits of its texts, in their order.

    The values fit into one line each.
    """
    at = message.headers[-1].end
    written = b"".join(f"{name}: {value}".encode() + message.line_end for name, value in values.items())
    return message.edited([(at, at, written), *edits])
