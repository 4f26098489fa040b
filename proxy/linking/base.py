"""Unsubscribe links in mail on its way: the contract of a provider's file, and what the files have in common.

A file of this package has the name of a provider, and nothing else lists it. Without one, no link is put into that
provider's mail.

A request may hold many mails, and a link speaks for one person. So a file takes the request apart into its mails: who
gets each of them, a copy included, which headers it has and which texts. The rules stand here, once for all. A mail
gets headers if exactly one person gets it and nobody but the gate writes them: what the sender wrote stays as it is,
and where the provider adds its own there would be two. Whatever is unsure ends without a link, because the wrong link
lets one person speak for another.

Everything is pure, and the same message gives the same bytes; a message that has its links already stays as it is.
"""

from __future__ import annotations

import html
import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol, cast

import orjson

from proxy import strict
from proxy.formats import heading, mime_texts
from proxy.formats.encoded_texts import Edit, EncodedText
from proxy.formats.mime import Mime
from proxy.providers.base import Message

HEADER: Final = "List-Unsubscribe"  # RFC 2369, section 3.2
POST_HEADER: Final = "List-Unsubscribe-Post"  # RFC 8058, section 3.1
OUR_HEADERS: Final = (HEADER, POST_HEADER)
ONE_CLICK: Final = "List-Unsubscribe=One-Click"
MOST_SPOTS: Final = 10_000  # of the placeholder in a request: a link is much longer
MOST_IN_RAW: Final = 100  # in a raw message, each of whose lines is measured
LONGEST: Final = 800  # characters of a link: providers bound values of headers, and RFC 5322 a line (2.1.1)

_URL = re.compile(r"(?i:https?)://[\w.:\[\]-]+/u/[\w-]+", re.ASCII)  # has one spelling in HTML, JSON, forms and headers
_OURS = frozenset({"listunsubscribe", "listunsubscribepost"})  # by their letters alone


class Result(StrEnum):
    """What became of a recipient's links: seven words speak of headers, two of texts, two of a template's data."""

    INSERTED = "inserted"  # both headers are in
    PRESENT = "present"  # the sender wrote one of them itself
    SEVERAL = "several_recipients"  # the mail goes to others too, a copy is enough
    BY_PROVIDER = "by_provider"  # the provider adds headers of its own to this mail, or may
    UNSUPPORTED = "unsupported"  # this form of a send has no place for them, or not for certain
    NO_LINK = "no_link"  # no link can be made for this address, business unit or campaign
    AS_IT_CAME = "as_it_came"  # shadow mode, or the send passed by a switch: nothing is changed in it
    REPLACED = "placeholder_replaced"
    LEFT = "placeholder_left"
    FILLED = "variable_filled"
    UNFILLED = "variable_left"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be put in: a link by each place that can have one, the headers or not, and what a text has for it.

    `variable` is its name in the data of a stored template, "" for none, as of the placeholder. `instead` says that the
    provider's account writes no headers by itself, though such accounts do by default.
    """

    urls: Mapping[str, str]
    headers: bool = True
    placeholder: str = ""
    variable: str = ""
    instead: bool = False


@dataclass(frozen=True, slots=True)
class Linked:
    """A send with its links: the body, None where it stays as it is, and how many recipients had which result."""

    body: bytes | None = None
    results: Mapping[Result, int] = field(default_factory=dict)


class Linking(Protocol):
    """All that is known of links in one provider's mail."""

    PER_RECIPIENT: bool  # each of several recipients of one request can have a link of their own
    TEMPLATES: bool  # the data of a stored template can have the link

    def linked(self, message: Message, wanted: Wanted) -> Linked:
        """Put links into a send as it was read; every other field stays as it is, and so do its recipients."""


def load(name: str) -> Linking | None:
    """Load what is known of links at a provider, or None where nothing is."""
    if name not in names():
        return None
    return cast("Linking", importlib.import_module(f"proxy.linking.{name}"))


def names() -> tuple[str, ...]:
    """List the providers into whose mail links are put, found on disk."""
    package = importlib.import_module("proxy.linking")
    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name != "base"))


def usable(url: str) -> bool:
    """Tell whether a link can stand in every mail as it is."""
    return len(url) <= LONGEST and _URL.fullmatch(url) is not None


def unchanged(message: Message, result: Result) -> Linked:
    """Leave a send as it is, with this result for each of its recipients."""
    return Linked(None, {result: len(message.send.recipients)})


# ── a mail and its parts ──


class Headers(Protocol):
    """Where the headers of one mail are written."""

    def names(self) -> Iterable[str]:
        """Give the names that are there."""

    def add(self, values: Mapping[str, str]) -> bool:
        """Write headers behind those that are there; False where there is no room for them."""


class Texts(Protocol):
    """The texts of one mail."""

    def count(self, placeholder: str) -> int:
        """Tell how often the placeholder is in them, once for all in texts that are not this mail's alone."""

    def replace(self, placeholder: str, url: str) -> bool:
        """Let its one recipient find the link there; False where that cannot be done."""


class Filling(Protocol):
    """The data that fills the stored template of one mail."""

    def fill(self, name: str, value: str) -> bool:
        """Put a name into it; False where something like it is there, or no room."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail of a request: the places of all who get it, where its headers stand, its texts, its template's data.

    `refuses` is the result for a mail that cannot have headers, whoever gets it; `by_account` says that the provider
    writes them itself unless its account is told otherwise.
    """

    places: Sequence[str]
    headers: Headers | None = None
    texts: Texts | None = None
    refuses: Result | None = None
    by_account: bool = False
    data: Filling | None = None  # of a mail without a stored template


@dataclass(frozen=True, slots=True)
class Named:
    """Headers as an object of names and values, under a key of the object that owns them; `above` has such for all.

    Whether an own object stands beside that for all or in its place, providers do not say. So where there was none, the
    new one repeats what holds for all.
    """

    owner: dict[str, Any]
    key: str = "headers"
    above: Mapping[str, Any] = field(default_factory=dict)

    def names(self) -> Iterator[str]:
        yield from self.owner.get(self.key) or ()
        yield from self.above.get(self.key) or ()

    def add(self, values: Mapping[str, str]) -> bool:
        told = self.owner.get(self.key) or self.above.get(self.key) or {}
        self.owner[self.key] = {**told, **values}
        return True


@dataclass(frozen=True, slots=True)
class Listed:
    """Headers as a list of {Name, Value}, under a key of the object that owns them; `above` are more such lists."""

    owner: dict[str, Any]
    key: str = "Headers"
    above: Sequence[Any] = ()
    most: int | None = None  # that the provider takes

    def names(self) -> Iterator[str]:
        for each in (self.owner.get(self.key), *self.above):
            yield from (str(header.get("Name", "")) for header in each or ())

    def add(self, values: Mapping[str, str]) -> bool:
        written = [{"Name": name, "Value": value} for name, value in values.items()]
        told = [*(self.owner.get(self.key) or ()), *written]
        if self.most is not None and len(told) > self.most:
            return False
        self.owner[self.key] = told
        return True


@dataclass(slots=True)
class Raw:
    """Headers and texts of a raw message; `write` takes what becomes of it, `beside` are headers elsewhere."""

    message: Mime
    write: Callable[[bytes], object]
    beside: Headers | None = None
    _parts: list[tuple[EncodedText, str]] = field(init=False)  # with what they say
    _added: Mapping[str, str] = field(default_factory=dict, init=False)
    _edits: list[Edit] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        """Read the texts once, for they are asked for the provider's own words and for the placeholder."""
        self._parts = [(part, part.said()) for part in mime_texts.texts(self.message)]

    def names(self) -> Iterator[str]:
        yield from (header.name for header in self.message.headers)
        yield from self.beside.names() if self.beside is not None else ()

    def add(self, values: Mapping[str, str]) -> bool:
        self._added = values
        return self._written()

    def say(self, words: re.Pattern[str]) -> bool:
        """Tell whether a text says something."""
        return any(words.search(said) for _, said in self._parts)

    def count(self, placeholder: str) -> int:
        return sum(said.count(placeholder) for _, said in self._parts)

    def replace(self, placeholder: str, url: str) -> bool:
        """Write the link into the texts that may have it; False where none may, or where there are too many spots."""
        if self.count(placeholder) > MOST_IN_RAW:
            return False
        self._edits = [edit for part, _ in self._parts for edit in part.exchanged(placeholder, url) or ()]
        return bool(self._edits) and self._written()

    def _written(self) -> bool:
        self.write(heading.headed(self.message, self._added, self._edits))
        return True


def raw_mail(
    places: Sequence[str], raw: Raw, own: re.Pattern[str] | None = None, refuses: Result | None = None
) -> Mail:
    """Give the mail of a raw message; a provider writes headers where a text says words of its `own`."""
    if heading.signs(raw.message, OUR_HEADERS):
        refuses = Result.UNSUPPORTED
    if own is not None and raw.say(own):
        refuses = Result.BY_PROVIDER
    return Mail(places, raw, raw, refuses)


@dataclass(frozen=True, slots=True)
class Own:
    """Texts of one mail alone, by their owners and keys; those of HTML say so."""

    spots: Sequence[tuple[dict[str, Any], str, bool]]

    def say(self, words: re.Pattern[str]) -> bool:
        """Tell whether a text says something."""
        return any(words.search(owner[key]) for owner, key, _ in self._texts())

    def count(self, placeholder: str) -> int:
        return sum(owner[key].count(placeholder) for owner, key, _ in self._texts())

    def replace(self, placeholder: str, url: str) -> bool:
        for owner, key, is_html in self._texts():
            owner[key] = owner[key].replace(placeholder, html.escape(url) if is_html else url)
        return True

    def _texts(self) -> Iterator[tuple[dict[str, Any], str, bool]]:
        return (spot for spot in self.spots if isinstance(spot[0].get(spot[1]), str))


@dataclass(slots=True)
class Common:
    """Texts that the mails of a request have in common, which may be a thousand: looked through and written once."""

    texts: Texts
    _held: dict[str, bool] = field(default_factory=dict)
    _written: set[str] = field(default_factory=set)

    def count(self, placeholder: str) -> int:
        if placeholder not in self._held:
            self._held[placeholder] = self.texts.count(placeholder) > 0
        return self._held[placeholder]

    def replace(self, placeholder: str, url: str) -> bool:
        if placeholder not in self._written:
            self._written.add(placeholder)
            return self.texts.replace(placeholder, url)
        return True


def texts(owner: dict[str, Any], *, plain: Iterable[str] = (), markup: Iterable[str] = ()) -> Own:
    """Give the texts under some keys of one object."""
    return Own([(owner, key, False) for key in plain] + [(owner, key, True) for key in markup])


# ── the rules ──


def tree(message: Message) -> Any:
    """Read the body of a send once more, for writing into it; numbers keep their spelling."""
    body = message.request.body
    return strict.json_for_writing(body, orjson.loads(body))


def inner(owner: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Give the object under a key; an empty one where there is none."""
    found = owner.get(key)
    return found if isinstance(found, dict) else {}


def grouped(message: Message, depth: int) -> dict[str, list[str]]:
    """Give the places of a send by their first `depth` steps: those of one mail stand together."""
    found: dict[str, list[str]] = {}
    for recipient in message.send.recipients:
        found.setdefault(".".join(recipient.place.split(".")[:depth]), []).append(recipient.place)
    return found


def insert(message: Message, wanted: Wanted, mails: Iterable[Mail]) -> Counter[Result]:
    """Put links into the mails of a send, by the rules, and count what became of whom.

    Nobody gets a link where the mails are not all that the send says: somebody could get another's.
    """
    mails = list(mails)
    people = {each.place: each.keys for each in message.send.recipients}
    if message.hidden or sorted(place for mail in mails for place in mail.places) != sorted(people):
        return +Counter({Result.UNSUPPORTED: len(people)})
    # Mails may have texts or headers in common, so all are looked at before the first is written.
    present = [mail.headers is not None and _has_ours(mail.headers) for mail in mails]
    spots = [_spots(mail, wanted.placeholder) for mail in mails]
    bearable = sum(spots) <= MOST_SPOTS
    results = Counter[Result]()
    for mail, its_own, found in zip(mails, present, spots, strict=True):
        several = len({people[place] for place in mail.places}) > 1  # a person may stand at two places
        url = None if several or not mail.places else wanted.urls.get(mail.places[0])
        if wanted.headers:
            results[Result.PRESENT if its_own else _headed(mail, several, url, wanted)] += len(mail.places)
        if mail.texts is not None and found:
            is_in = url is not None and bearable and mail.texts.replace(wanted.placeholder, url)
            results[Result.REPLACED if is_in else Result.LEFT] += len(mail.places)
        if wanted.variable and mail.data is not None:
            is_in = url is not None and mail.data.fill(wanted.variable, url)
            results[Result.FILLED if is_in else Result.UNFILLED] += len(mail.places)
    return +results


def changed(results: Mapping[Result, int]) -> bool:
    """Tell whether anything was put in."""
    return any(results.get(each) for each in (Result.INSERTED, Result.REPLACED, Result.FILLED))


def in_json(message: Message, wanted: Wanted, body: Any, mails: Iterable[Mail]) -> Linked:
    """Put links into the mails of a send that is one JSON document, `body`, whose objects the mails point at."""
    results = insert(message, wanted, mails)
    return Linked(strict.write_json(body) if changed(results) else None, results)


def _has_ours(headers: Headers) -> bool:
    return any(strict.looks_like(name, _OURS) for name in headers.names())


def _spots(mail: Mail, placeholder: str) -> int:
    return mail.texts.count(placeholder) if placeholder and mail.texts is not None else 0


def _headed(mail: Mail, several: bool, url: str | None, wanted: Wanted) -> Result:  # noqa: FBT001 (a fact of the mail)
    if mail.refuses is not None or mail.headers is None:
        return mail.refuses or Result.UNSUPPORTED
    if mail.by_account and not wanted.instead:
        return Result.BY_PROVIDER
    if several:
        return Result.SEVERAL
    if url is None:
        return Result.NO_LINK
    added = mail.headers.add({HEADER: f"<{url}>", POST_HEADER: ONE_CLICK})
    return Result.INSERTED if added else Result.UNSUPPORTED
