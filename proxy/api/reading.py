"""What a request to the API says, read strictly, with faults in the style of the contract it follows.

CrossEngage documents `{"field": …, "type": …}` for the events endpoint; the same shape is used wherever no 400 is
documented at all.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

from aiohttp import web

from policy import identity, times
from policy.events import Subject
from policy.model import Channel
from policy.times import BadTime, Stated
from proxy import strict
from proxy.providers.base import Unreadable

UNTOLD: Final = "*"
_ADDRESS: Final = re.compile(r"@|\d{6}")
LONGEST_TEXT: Final = 16 * 1024  # bytes of a string field (CrossEngage, "Limits")
LARGEST_BODY: Final = 4 << 20
LONG_BODY: Final = 64 << 10
DEEPEST: Final = 32

UNKNOWN_VALUE: Final = "UNKNOWN_VALUE"
WRONG_VALUE: Final = "WRONG_VALUE"
WRONG_FORMAT: Final = "WRONG_FORMAT"
NOT_NULL: Final = "NOT_NULL"
MISSING_SCOPE: Final = "MISSING_SCOPE"
BLACKLISTED: Final = "BLACKLISTED"


class BadField(Exception):
    """A field of a request is not what it must be; `kind` is the type of the fault in the contract's words.

    `says` tells the rule that is broken, where the type does not, without any value of the request.
    """

    def __init__(self, field: str, kind: str, status: int = 400, *, says: str = "") -> None:
        super().__init__(field, kind)
        self.field = field
        self.kind = kind
        self.status = status
        self.says = says

    def told(self) -> dict[str, str]:
        """Give what is answered; a name that the caller made up may be an address, and is not told."""
        field = UNTOLD if _ADDRESS.search(self.field) else self.field
        return {"field": field, "type": self.kind, **({"message": self.says} if self.says else {})}


async def tree(request: web.Request) -> Any:
    """Read a JSON value, a long one in a thread; raises BadField with the field `body`."""
    try:
        raw = await request.read()
        return strict.json_tree(raw) if len(raw) < LONG_BODY else await asyncio.to_thread(strict.json_tree, raw)
    except (Unreadable, web.RequestPayloadError):
        raise BadField("body", WRONG_FORMAT) from None


async def body(request: web.Request) -> dict[str, Any]:
    """Read a JSON object; raises BadField with the field `body`."""
    read = await tree(request)
    if not isinstance(read, dict):
        raise BadField("body", WRONG_FORMAT)
    return read


def text(tree: dict[str, Any], field: str, *, required: bool = False) -> str | None:
    """Read a text of at most 16 KB, None where it is absent or null."""
    value = tree.get(field)
    if value is None:
        if required:
            raise BadField(field, NOT_NULL)
        return None
    if not isinstance(value, str) or len(value.encode()) > LONGEST_TEXT or "\x00" in value:
        raise BadField(field, WRONG_VALUE)
    return value


def flag(tree: dict[str, Any], field: str) -> bool:
    """Read true or false; nothing else counts as either."""
    if field not in tree or tree[field] is None:
        raise BadField(field, NOT_NULL)
    value = tree[field]
    if not isinstance(value, bool):
        raise BadField(field, WRONG_VALUE)
    return value


def channel(value: Any, field: str) -> Channel:
    """Read a channel type in any case; raises BadField (UNKNOWN_VALUE)."""
    if not isinstance(value, str) or value.upper() not in Channel.__members__:
        raise BadField(field, UNKNOWN_VALUE)
    return Channel[value.upper()]


def stated(value: Any, field: str) -> Stated | None:
    """Read a stated time; None where there is none. Raises BadField (WRONG_FORMAT), also for a time without zone."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadField(field, WRONG_FORMAT)
    try:
        return times.read(value)
    except BadTime:
        raise BadField(field, WRONG_FORMAT) from None


def email_keys(value: str, field: str = "email", kind: str = WRONG_FORMAT) -> tuple[str, ...]:
    """Make keys of an e-mail address; raises BadField for one that is none."""
    keys = identity.email_keys(value)
    if not keys:
        raise BadField(field, kind)
    return keys


def phone_keys(value: str, field: str = "phone", kind: str = WRONG_FORMAT) -> tuple[str, ...]:
    """Make keys of a phone number with its country (+49… or 0049…); raises BadField for one that is none.

    Without its country a German `15112345678` would be somebody in New York.
    """
    keys = identity.phone_keys(value)
    if not keys or not identity.is_international(value):
        raise BadField(field, kind)
    return keys


def external_id(tree: dict[str, Any]) -> str | None:
    """Read the id under either of the names that it has; raises BadField where they disagree."""
    told = {named for name in ("id", "externalId") if (named := text(tree, name)) is not None}
    if len(told) > 1:
        raise BadField("externalId", WRONG_VALUE)
    return told.pop() if told else None


def subject(tree: dict[str, Any]) -> Subject:
    """Read of whom something is told: an id, or e-mail and business unit, or a phone."""
    user_id, email, phone = external_id(tree), text(tree, "email"), text(tree, "phone")
    if user_id == "":
        raise BadField("id", WRONG_VALUE)
    if user_id is None and email is None and phone is None:
        raise BadField("id", NOT_NULL)
    return Subject(
        id=user_id,
        email=email,
        business_unit=text(tree, "businessUnit") or "",
        phone=phone,
        email_keys=() if email is None else email_keys(email),
        phone_keys=() if phone is None else phone_keys(phone),
    )
