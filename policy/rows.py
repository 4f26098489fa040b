"""Rows of an import or export: one person a row, the same cells in CSV and NDJSON.

    id, email, businessUnit, phone, blacklisted, blacklistedAt, optOutAll, optOutAllAt, optOutChannels, optOutOrigins

The first nine are for people and for other systems' lists. `optOutOrigins` makes an export whole: it has a word for
each register that suppresses, `KIND=origin#number@time`, where KIND is BLACKLIST or a channel.

An empty cell says nothing, and neither does a false one, because a list of people is no statement about everybody who
is not blacklisted in it. Only on request (`release`) does false mean Whitelisted or Opt In, and `-MAIL` Opt In MAIL.
A time without its flag counts as the flag: whoever wrote it meant a no.

An address that nobody has any more is written as `kept:CHECK:DIGEST`; it means something only to a store with the same
pepper, which CHECK tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from policy import identity, times
from policy.events import Event, Kind, Origin, Phone, Profile, Subject, Told, Word
from policy.model import Channel, Microseconds
from policy.state import Register
from policy.times import BadTime, Stated

COLUMNS: Final = (
    "id",
    "email",
    "businessUnit",
    "phone",
    "blacklisted",
    "blacklistedAt",
    "optOutAll",
    "optOutAllAt",
    "optOutChannels",
    "optOutOrigins",
)
BLACKLIST: Final = "BLACKLIST"
KEPT: Final = "kept"
LONGEST: Final = 16 * 1024  # bytes of a cell

_FLAGS: Final[Mapping[str, bool | None]] = {
    "": None,
    "true": True,
    "yes": True,
    "1": True,
    "false": False,
    "no": False,
    "0": False,
}
_ORIGIN = re.compile(r"([A-Za-z_]+)=([a-z][a-z0-9:_-]{0,63})(?:#([^@\s]{0,64}))?(?:@(\S+))?")
_ORIGINS: Final = frozenset(Origin)


class BadRow(ValueError):
    """A row says nothing that can be taken; the text says why, without any value of the row."""


def events_of(cells: Mapping[str, str], *, release: bool = False, source: str = "") -> tuple[Event, ...]:
    """Say what a row tells, as events about one person; raises BadRow."""
    row = {name: _cell(cells, name) for name in COLUMNS}
    subject, phones = _subject(row)
    told = tuple(_told(subject, row, release=release, source=source))
    profile = _profile(subject, row, phones, source)
    if profile is None and not told:
        raise BadRow("the row names nobody by an id, and says nothing")
    return told if profile is None else (profile, *told)


def _cell(cells: Mapping[str, str], name: str) -> str:
    text = cells.get(name) or ""
    try:
        long = len(text.encode()) > LONGEST
    except UnicodeEncodeError:
        raise BadRow(f"{name} is not UTF-8 text") from None
    if long or "\x00" in text:
        raise BadRow(f"{name} is longer than 16 KB, or holds a NUL")
    return text.strip()


def _subject(row: Mapping[str, str]) -> tuple[Subject, dict[str, Phone]]:
    email, phones = row["email"], dict(_phones(row["phone"]))
    if email.startswith(f"{KEPT}:"):
        return Subject(business_unit=row["businessUnit"], kept=_kept(row)), {}
    keys = identity.email_keys(email) if email else ()
    if email and not keys:
        raise BadRow("email is no e-mail address")
    if row["id"]:
        return Subject(id=row["id"]), phones
    if email:
        return Subject(email=email, business_unit=row["businessUnit"], email_keys=keys), phones
    if len(phones) == 1:
        number, phone_keys = next(iter(phones.values()))
        return Subject(phone=number, phone_keys=phone_keys), {}
    raise BadRow("the row names nobody: no id, no e-mail, no single phone")


def _kept(row: Mapping[str, str]) -> str:
    if not re.fullmatch(r"kept:[0-9a-f]{32}:[0-9a-f]{32}", row["email"]) or row["id"]:
        raise BadRow("email is no kept address of an export")
    return row["email"].removeprefix(f"{KEPT}:")


def _phones(cell: str) -> Iterator[tuple[str, Phone]]:
    """Read one number, or `trait=number` pairs where a person has several."""
    for part in filter(None, (part.strip() for part in cell.split("|"))):
        trait, equals, number = part.partition("=")
        if not equals:
            trait, number = "phone", part
        keys = identity.phone_keys(number)
        if not keys:
            raise BadRow("phone is no number with its country (+49…)")
        yield trait.strip(), (number.strip(), keys)


def _profile(subject: Subject, row: Mapping[str, str], phones: dict[str, Phone], source: str) -> Profile | None:
    """Say who the person is, where the row says more than whom it is about."""
    if subject.kept or (subject.id is None and not phones):
        return None
    email = row["email"] or None
    unit = row["businessUnit"] or None
    keys = identity.email_keys(email) if email else ()
    return Profile(subject.id, email, keys, unit, phones, {}, source)


def _told(subject: Subject, row: Mapping[str, str], *, release: bool, source: str) -> Iterator[Told]:
    detailed = list(_detailed(subject, row["optOutOrigins"], source))
    yield from detailed
    known = {(told.word, told.channel) for told in detailed}
    for word, channel, stated in _said(row, release=release):
        if (word, channel) not in known:
            yield Told(subject, word, word, Origin.IMPORT, channel, stated, source=source)


def _detailed(subject: Subject, cell: str, source: str) -> Iterator[Told]:
    for token in cell.split():
        match = _ORIGIN.fullmatch(token)
        if match is None or not _known_origin(match[2]):
            raise BadRow("optOutOrigins is not KIND=origin#number@time")
        blacklist = match[1].upper() == BLACKLIST
        word = Word.BLACKLISTED if blacklist else Word.OPT_OUT
        channel = Channel.ALL if blacklist else _channel(match[1])
        stated = _time(match[4] or "", "optOutOrigins")
        yield Told(subject, word, word, match[2], channel, stated, match[3] or "", source=source)


def _known_origin(origin: str) -> bool:
    return origin in _ORIGINS or origin.startswith("provider:")


def _said(row: Mapping[str, str], *, release: bool) -> Iterator[tuple[Word, Channel, Stated | None]]:
    """Say what the plain columns tell."""
    for flag, no, yes in (
        ("blacklisted", Word.BLACKLISTED, Word.WHITELISTED),
        ("optOutAll", Word.OPT_OUT, Word.OPT_IN),
    ):
        stated = _time(row[f"{flag}At"], f"{flag}At")
        value = _flag(row[flag], flag)
        if value or (value is None and stated is not None):
            yield no, Channel.ALL, stated
        elif value is False and release:
            yield yes, Channel.ALL, stated
    for token in re.split(r"[\s,;|]+", row["optOutChannels"].strip()):
        name, _, time = token.partition("@")
        if name.startswith("-"):
            if release:
                yield Word.OPT_IN, _channel(name[1:]), _time(time, "optOutChannels")
        elif name:
            yield Word.OPT_OUT, _channel(name), _time(time, "optOutChannels")


def _flag(text: str, name: str) -> bool | None:
    try:
        return _FLAGS[text.lower()]
    except KeyError:
        raise BadRow(f"{name} is neither true nor false") from None


def _channel(name: str) -> Channel:
    try:
        return Channel[name.upper()]
    except KeyError:
        raise BadRow("a channel that is not known") from None


def _time(text: str, name: str) -> Stated | None:
    if not text:
        return None
    try:
        return times.read(text)
    except BadTime:
        raise BadRow(f"{name} is no time with a zone, such as 2022-01-11T00:00:00Z") from None


# Writing


def cells_of(who: tuple[str, str, str, str], suppressing: Sequence[tuple[Register, Microseconds]]) -> tuple[str, ...]:
    """Write one person's row: id, e-mail, unit and phone cell, and each register that suppresses with its time."""
    newest: dict[str, Microseconds] = {}
    for register, at in suppressing:
        kind = _kind(register)
        newest[kind] = max(newest.get(kind, at), at)
    channels = " ".join(sorted(newest.keys() - {BLACKLIST, Channel.ALL}))
    return (*who, *_flagged(newest, BLACKLIST), *_flagged(newest, Channel.ALL), channels, _origins(suppressing))


def _flagged(newest: Mapping[str, Microseconds], kind: str) -> tuple[str, str]:
    return ("true", times.written(newest[kind])) if kind in newest else ("", "")


def _origins(suppressing: Iterable[tuple[Register, Microseconds]]) -> str:
    words = []
    for register, at in suppressing:
        number = f"#{register.number}" if register.number else ""
        words.append(f"{_kind(register)}={register.origin}{number}@{times.written(at)}")
    return " ".join(words)


def _kind(register: Register) -> str:
    return BLACKLIST if register.kind is Kind.BLACKLIST else register.channel.value


def phone_cell(phones: Mapping[str, Phone]) -> str:
    """Write a person's numbers: one that is simply the phone by itself, else with the names of their traits."""
    if set(phones) == {"phone"}:
        return phones["phone"][0]
    return "|".join(f"{trait}={number}" for trait, (number, _) in phones.items())
