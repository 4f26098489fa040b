"""Profiles as requests tell them: users, the items of a batch, and leads.

Most of a profile is traits that the gate only keeps. Three things matter to it: addresses (e-mail and the traits that
hold phone numbers), the business unit, and traits that say no. A no is taken from wherever it comes; a yes only from
the endpoint that is made for it, and here it is ignored, counted and told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from policy.events import Event, Origin, Phone, Profile, Subject, Told, Word
from proxy.api import reading
from proxy.api.access import Caller
from proxy.api.reading import NOT_NULL, WRONG_FORMAT, WRONG_VALUE, BadField

IGNORED: Final = "X-Sendgate-Ignored"

_FIELDS: Final = frozenset({"id", "xngId", "email", "businessUnit", "success"})
_STANDING: Final[Mapping[str, tuple[Word, Word]]] = {
    "optOut": (Word.OPT_OUT, Word.OPT_IN),
    "blacklisted": (Word.BLACKLISTED, Word.WHITELISTED),
}


@dataclass(frozen=True, slots=True)
class Written:
    """One profile as it was told: the events it makes, and the yeses among its traits, which make none."""

    events: tuple[Event, ...]
    ignored: Mapping[str, Word]


def user(external_id: str, tree: dict[str, Any], phone_traits: tuple[str, ...], caller: Caller) -> Written:
    """Read the profile of a user; raises BadField."""
    email, unit = (_changed(tree, field) for field in ("email", "businessUnit"))
    keys = reading.email_keys(email, kind=WRONG_VALUE) if email else ()
    return _written(external_id, (email, unit, keys), tree, phone_traits, caller)


def lead(tree: dict[str, Any], phone_traits: tuple[str, ...], caller: Caller) -> Written:
    """Read the profile of a lead, who is known by e-mail and unit; raises BadField."""
    email, unit = reading.text(tree, "email"), reading.text(tree, "businessUnit") or ""
    if not email:
        raise BadField("email", NOT_NULL)
    return _written(None, (email, unit, reading.email_keys(email, kind=WRONG_FORMAT)), tree, phone_traits, caller)


def _written(
    external_id: str | None,
    address: tuple[str | None, str | None, tuple[str, ...]],
    tree: dict[str, Any],
    phone_traits: tuple[str, ...],
    caller: Caller,
) -> Written:
    email, unit, keys = address
    traits = {name: value for name, value in tree.items() if name not in _FIELDS and name not in _STANDING}
    told = Profile(
        id=external_id,
        email=email,
        email_keys=keys,
        business_unit=unit,
        phones=_phones(traits, phone_traits),
        traits=traits,
        source=caller.name,
    )
    subject = Subject(id=external_id) if external_id is not None else Subject(None, email, unit or "", None, keys)
    said = {trait: _flag(tree, trait) for trait in _STANDING if trait in tree}
    noes = [_no(subject, trait, caller) for trait, no in said.items() if no]
    return Written((told, *noes), {trait: _STANDING[trait][1] for trait, no in said.items() if not no})


def _no(subject: Subject, trait: str, caller: Caller) -> Told:
    word = _STANDING[trait][0]
    return Told(subject, word, word, caller.origin or Origin.API, source=caller.name)


def _flag(tree: dict[str, Any], trait: str) -> bool:
    """Read a trait that says yes or no, as true or false or as their names; raises BadField for anything else."""
    value = tree[trait]
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower(), value)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise BadField(trait, WRONG_VALUE)


def _changed(tree: dict[str, Any], field: str) -> str | None:
    """Give a field's new text: None where it was not told, empty where it was told to be null."""
    told = reading.text(tree, field)
    return "" if told is None and field in tree else told


def _phones(traits: dict[str, Any], names: tuple[str, ...]) -> dict[str, Phone | None]:
    """Read the numbers among the traits; raises BadField for one without a country."""
    phones: dict[str, Phone | None] = {}
    for name in names:
        if name in traits:
            number = reading.text(traits, name)
            phones[name] = (number, reading.phone_keys(number, name, WRONG_VALUE)) if number else None
    return phones
