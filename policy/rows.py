"""Rows of an import or export: one person a row, the same cells in CSV and NDJSON.

    id, email, businessUnit, phone, blacklisted, blacklistedAt, optOutAll, optOutAllAt, optOutChannels, optOutOrigins

The first nine are for people and for other systems' lists. `optOutOrigins` makes an export whole: it has a word for
each register that suppresses, `KIND=origin#number@time`, where KIND is BLACKLIST or a channel. Its times have every
digit, because a time to the second would count from the second's end.

An empty cell says nothing, and neither does a false one, because a list of people is no statement about everybody who
is not blacklisted in it. Only on request (`release`) does false mean Whitelisted or Opt In, and `-MAIL` Opt In MAIL.
A time without its flag counts as the flag: whoever wrote it meant a no. Nor does a fault elsewhere in a row take its
noes with it: `BadRow.noes` holds what can be read of them, for whoever of the row can be named.

An address that nobody has any more is written as `kept:CHECK:DIGEST`, and what was said of everybody who has an address
under `everybody:CHECK:DIGEST`; both mean something only to a store with the same pepper, which CHECK tells.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote, unquote

from policy import identity, times
from policy.events import Event, Kind, Origin, Phone, Profile, Subject, Told, Word
from policy.model import Channel, Microseconds
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
EVERYBODY: Final = "everybody"
LONGEST: Final = 16 * 1024  # bytes of a cell
LONGEST_ORIGINS: Final = 64 * 1024  # somebody may have said STOP to many numbers

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 (times are written in UTC, with a Z of their own)
_BLANK: Final = dict.fromkeys(COLUMNS, "")
EXACT: Final = frozenset({"id", "businessUnit"})  # names of others' making; a blank may be part of them
_FLAGS: Final[Mapping[str, bool | None]] = {
    "": None,
    "true": True,
    "yes": True,
    "1": True,
    "false": False,
    "no": False,
    "0": False,
}
_PLAIN: Final = (
    ("blacklisted", "blacklistedAt", Word.BLACKLISTED, Word.WHITELISTED),
    ("optOutAll", "optOutAllAt", Word.OPT_OUT, Word.OPT_IN),
)
_ORIGIN = re.compile(r"([A-Za-z_]+)=([a-z][a-z0-9:_-]{0,63})(?:#([^@\s]{0,600}))?(?:@(\S+))?")
_ORIGINS: Final = frozenset(Origin)
_BETWEEN: Final = r"[\s,;|]+"  # channels of a list


class BadRow(ValueError):
    """A row cannot be taken as it is; the text says why, without any value of the row.

    `noes` are what it suppresses all the same.
    """

    noes: tuple[Told, ...] = ()


def events_of(cells: Mapping[str, str], *, release: bool = False, source: str = "") -> tuple[Event, ...]:
    """Say what a row tells, as events about one person; raises BadRow."""
    try:
        row = {name: _cell(cells, name) for name in COLUMNS}
        return _events(row, release=release, source=source)
    except BadRow as bad:
        bad.noes = tuple(_salvaged(cells, source))
        raise


def _events(row: Mapping[str, str], *, release: bool, source: str) -> tuple[Event, ...]:
    subject, phones = _subject(row)
    told = tuple(_told(subject, row, release=release, source=source))
    profile = _profile(subject, row, phones, source)
    if profile is not None:
        return (profile, *told)
    if not told and subject.kept:
        raise BadRow("the row says nothing of a kept address")
    return told or (_named_only(subject, row, source),)


def _cell(cells: Mapping[str, str], name: str) -> str:
    text = cells.get(name)
    if not text:
        return ""
    longest = LONGEST_ORIGINS if name == "optOutOrigins" else LONGEST
    try:
        long = len(text if text.isascii() else text.encode()) > longest
    except UnicodeEncodeError:
        raise BadRow(f"{name} is not UTF-8 text") from None
    if long or "\x00" in text:
        raise BadRow(f"{name} is longer than {longest // 1024} KB, or holds a NUL")
    return text if name in EXACT else text.strip()


def _subject(row: Mapping[str, str]) -> tuple[Subject, dict[str, Phone]]:
    email, phones = row["email"], dict(_phones(row["phone"]))
    if email.startswith(f"{KEPT}:"):
        return Subject(business_unit=row["businessUnit"], kept=_digest(row, KEPT)), {}
    if email.startswith(f"{EVERYBODY}:"):
        return Subject(kept=_digest(row, EVERYBODY), everybody=True), {}
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


def _named_only(subject: Subject, row: Mapping[str, str], source: str) -> Event:
    """Make a lead of who is named and not said anything of: a route may refuse whom nobody knows."""
    if subject.email is not None:
        return Profile(None, subject.email, subject.email_keys, row["businessUnit"], source=source)
    return Told(subject, "Imported", None, Origin.IMPORT, source=source)


def _digest(row: Mapping[str, str], prefix: str) -> str:
    if not re.fullmatch(rf"{prefix}:[0-9a-f]{{32}}:[0-9a-f]{{32}}", row["email"]) or row["id"]:
        raise BadRow("email is no kept address of an export")
    return row["email"].removeprefix(f"{prefix}:")


def _phones(cell: str) -> Iterator[tuple[str, Phone]]:
    """Read one number, or `trait=number` pairs where a person has several."""
    seen = set()
    for part in filter(str.strip, cell.split("|")):
        named, equals, number = part.rpartition("=")
        trait = named.strip() if equals else "phone"
        keys = identity.phone_keys(number)
        if not keys or not identity.is_international(number):
            raise BadRow("phone is no number with its country (+49…)")
        if trait in seen:
            raise BadRow("phone has two numbers under one name; write home=+49…|mobile=+49…")
        seen.add(trait)
        yield trait, (number.strip(), keys)


def _profile(subject: Subject, row: Mapping[str, str], phones: dict[str, Phone], source: str) -> Profile | None:
    """Say who the person is, where the row says more than whom it is about."""
    if subject.kept or (subject.id is None and not phones):
        return None
    email = row["email"] or None
    unit = row["businessUnit"] or None
    keys = identity.email_keys(email) if email else ()
    return Profile(subject.id, email, keys, unit, phones, {}, source)


def _told(subject: Subject, row: Mapping[str, str], *, release: bool, source: str) -> Iterator[Told]:
    detailed: dict[tuple[Word | None, Channel], int] = {}
    for told in _detailed(subject, row["optOutOrigins"], source):
        yield told
        key = (told.word, told.channel)
        detailed[key] = max(detailed.get(key, 0), told.stated.last if told.stated else 0)
    for word, channel, stated in _said(row, release=release):
        at = detailed.get((word, channel))
        if at is None or (stated is not None and stated.last > at):  # else it says the same, with less detail
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
        yield Told(subject, word, word, match[2], channel, stated, unquote(match[3] or ""), source=source)


def _known_origin(origin: str) -> bool:
    return origin in _ORIGINS or origin.startswith("provider:")


def _said(row: Mapping[str, str], *, release: bool) -> Iterator[tuple[Word, Channel, Stated | None]]:
    """Say what the plain columns tell."""
    for flag, at, no, yes in _PLAIN:
        if not row[flag] and not row[at]:
            continue
        stated = _time(row[at], at)
        value = _flag(row[flag], flag)
        if value or (value is None and stated is not None):
            yield no, Channel.ALL, stated
        elif value is False and release:
            yield yes, Channel.ALL, stated
    for token in re.split(_BETWEEN, row["optOutChannels"]) if row["optOutChannels"] else ():
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


# What a row suppresses that cannot be taken


def _salvaged(cells: Mapping[str, str], source: str) -> Iterator[Told]:
    row = {name: _readable(cells, name) for name in COLUMNS}
    for subject in _nameable(row):
        for piece in _pieces(row):
            with contextlib.suppress(BadRow):
                yield from _told(subject, {**_BLANK, **piece}, release=False, source=source)


def _readable(cells: Mapping[str, str], name: str) -> str:
    try:
        return _cell(cells, name)
    except BadRow:
        return ""


def _nameable(row: Mapping[str, str]) -> Iterator[Subject]:
    """Name whoever a row names, with all that can be read: a no counts for the id and for the addresses beside it."""
    keys = identity.email_keys(row["email"])
    email = row["email"] if keys else None
    numbers = [part.rpartition("=")[2].strip() for part in row["phone"].split("|")]
    phones = {number: found for number in numbers if (found := identity.phone_keys(number))}
    phone = next(iter(phones), None)
    if row["id"] or keys or phones:
        first = phones.pop(phone) if phone else ()
        yield Subject(row["id"] or None, email, row["businessUnit"], phone, keys, first)
    for number, found in phones.items():
        yield Subject(phone=number, phone_keys=found)


def _pieces(row: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Take apart what a row says, so that no fault takes anything else with it."""
    for flag in ("blacklisted", "optOutAll"):
        at = row[f"{flag}At"]
        yield {flag: row[flag], f"{flag}At": at if _is_time(at) else ""}
    for token in re.split(_BETWEEN, row["optOutChannels"]):
        name, _, at = token.partition("@")
        yield {"optOutChannels": token if _is_time(at) else name}
    for token in row["optOutOrigins"].split():
        yield {"optOutOrigins": token}


def _is_time(text: str) -> bool:
    try:
        times.read(text)
    except BadTime:
        return False
    return True


# Writing


Suppressing = tuple[tuple[str, str, str, str], Microseconds]  # kind, channel, origin, number of a register; since when
Said = tuple[str, str, str]  # BLACKLIST or a channel; since when, with every digit; the word of `optOutOrigins`

_NOTHING: Final = ("", "", "", "", "", "")


def cells_of(who: tuple[str, str, str, str], suppressing: Sequence[Suppressing]) -> tuple[str, ...]:
    """Write one person's row: id, e-mail, unit and phone cell, and each register that suppresses with its time."""
    return cells_saying(who, [said(register, at) for register, at in suppressing])


def said(register: tuple[str, str, str, str], at: Microseconds) -> Said:
    """Say what one register suppresses, in the words of a row."""
    kind, channel, origin, number = register
    name, time = BLACKLIST if kind == Kind.BLACKLIST else channel, _exact(at)
    return name, time, f"{name}={origin}#{quote(number, safe='+')}@{time}" if number else f"{name}={origin}@{time}"


def cells_saying(who: tuple[str, str, str, str], said: Sequence[Said]) -> tuple[str, ...]:
    """Write one person's row from what was said, in the order of the registers."""
    if not said:
        return who + _NOTHING
    if len(said) == 1:  # nearly always
        [(name, time, word)] = said
        if name == BLACKLIST:
            return (*who, "true", time, "", "", "", word)
        return (*who, "", "", "true", time, "", word) if name == "ALL" else (*who, "", "", "", "", name, word)
    newest = {name: time for name, time, _ in sorted(said)}  # times of one width sort as they follow each other
    blacklisted, opted_out = newest.pop(BLACKLIST, ""), newest.pop("ALL", "")
    flags = (_FLAG[blacklisted != ""], blacklisted, _FLAG[opted_out != ""], opted_out)
    return (*who, *flags, " ".join(newest), " ".join([word for _, _, word in said]))


_FLAG: Final = ("", "true")


def _exact(at: Microseconds) -> str:
    """Write a time with every digit: `10:00:00Z` would be read as any moment of that second."""
    return f"{(_EPOCH + timedelta(0, 0, at)).isoformat(timespec='microseconds')}Z"


def phone_cell(phones: Mapping[str, Phone]) -> str:
    """Write a person's numbers: one that is simply the phone by itself, else with the names of their traits."""
    if set(phones) == {"phone"}:
        return phones["phone"][0].strip()
    return "|".join(f"{trait}={number.strip()}" for trait, (number, _) in phones.items())
