"""The paths by which Mailjet's errors say what they are about: `Messages[0].To[1].Email`, of one message `To[1].Email`.

They count what Mailjet got. Where messages or people were taken out of a send, the same spot has another number in what
the sender wrote, so paths are translated on their way back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proxy.formats import positions
from proxy.formats.envelopes import Envelope

_INDEX = re.compile(r"\.(\d+)(?=\.|\Z)")
_PERSON = re.compile(r"(?:(?:To|Cc|Bcc)\[\d+\]|TemplateErrorReporting)\Z")
_NAMED_MESSAGE = re.compile(r"(Messages[.\[])(\d+)")
_NAMED_PERSON = re.compile(r"\b(To|Cc|Bcc)([.\[])(\d+)")


def written(place: str) -> str:
    """Write a place as Mailjet names it."""
    path = _INDEX.sub(r"[\1]", place)
    return f"{path}.Email" if _PERSON.search(path) else path


@dataclass(frozen=True, slots=True)
class Translation:
    """What the sender wrote, and what of it went out: `kept` are the messages that did, `gone` the places not."""

    messages: Sequence[Envelope]
    common: Envelope
    kept: Sequence[int]
    gone: frozenset[str]

    def rename(self, error: dict[str, Any], index: int | None = None) -> None:
        """Let an error, of the sender's message with this index or of all, name spots by the sender's numbers."""
        related = error.get("ErrorRelatedTo")
        if isinstance(related, list):
            error["ErrorRelatedTo"] = [self._own(each, index) if isinstance(each, str) else each for each in related]

    def _own(self, path: str, index: int | None) -> str:
        named = _NAMED_MESSAGE.match(path)
        if named and int(named[2]) < len(self.kept):
            index = self.kept[int(named[2])]
            path = f"{named[1]}{index}{path[named.end() :]}"
        envelope = self.common if index is None else self.messages[index]

        def own(match: re.Match[str]) -> str:
            missing = [number for number, spot in enumerate(envelope.get(match[1], ())) if spot in self.gone]
            return f"{match[1]}{match[2]}{positions.original_index(int(match[3]), missing)}"

        return _NAMED_PERSON.sub(own, path)
