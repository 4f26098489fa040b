"""Profiles as requests tell them: users, the items of a batch, and leads.

Most of a profile is traits that the gate only keeps. Three things matter to it: addresses (e-mail and the traits that
hold phone numbers), the business unit, and traits that say no or yes.

1. A no is taken from wherever it comes, also under the name that the trait has in segments (`traits.optOut`).
2. `optOut: false` undoes the opt-out of ALL, told by whoever may release.
3. Any other yes is ignored, counted and told: null says nothing clearly, the blacklisting has an endpoint of its own,
   and without the scope nobody is released.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from policy import visitors
from policy.events import Event, Origin, Phone, Profile, Subject, Told, Word
from policy.store.lookups import Shown
from proxy.api import reading
from proxy.api.access import Caller
from proxy.api.context import Context
from proxy.api.reading import NOT_NULL, WRONG_FORMAT, WRONG_VALUE, BadField
from proxy.config import Scope

IGNORED: Final = "X-Sendgate-Ignored"
IGNORED_TELLS: Final = {IGNORED: "the traits that would have released somebody and were not taken"}

_FIELDS: Final = frozenset({"id", "xngId", "email", "businessUnit", "success"})
OPT_OUT: Final = "optOut"
_STANDING: Final[Mapping[str, tuple[Word, Word]]] = {
    OPT_OUT: (Word.OPT_OUT, Word.OPT_IN),
    "blacklisted": (Word.BLACKLISTED, Word.WHITELISTED),
}
_SEGMENT_NAMES: Final = {trait: f"traits.{trait}" for trait in _STANDING}
FLAGS: Final = frozenset({*_STANDING, *_SEGMENT_NAMES.values()})
_NO_TRAITS: Final = _FIELDS | FLAGS | {visitors.TRAIT}


@dataclass(frozen=True, slots=True)
class Written:
    """One profile as it was told: the events it makes, and those yeses among its traits that make none."""

    events: tuple[Event, ...]
    ignored: Mapping[str, Word]


def answer(shown: Shown) -> dict[str, Any]:
    """Write a profile as GET answers it: ids, addresses, the opt-out if there ever was one, and every other trait."""
    person = shown.person
    ids = {"id": person.id, "xngId": person.xng_id, "email": person.email, "businessUnit": person.business_unit}
    traits = {name: value for name, value in person.traits.items() if name != visitors.TRAIT}
    return {**ids, **traits, **({} if shown.opt_out is None else {OPT_OUT: shown.opt_out})}


def keeps(context: Context, caller: Caller) -> bool:
    """Tell whether a deleted user's standing is kept: where it is configured, or where the caller may not release."""
    return context.config().users.on_delete == "keep_suppressed" or not caller.may(Scope.RELEASE)


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
    traits = {name: value for name, value in tree.items() if name not in _NO_TRAITS}
    told = Profile(
        id=external_id,
        email=email,
        email_keys=keys,
        business_unit=unit,
        phones=phones(traits, phone_traits),
        traits=traits,
        source=caller.name,
    )
    subject = Subject(id=external_id) if external_id is not None else Subject(None, email, unit or "", None, keys)
    words = _said(tree, caller)
    said = [
        Told(subject, word, word, caller.origin or Origin.API, source=caller.name) for word in words.values() if word
    ]
    return Written((told, *said), {trait: _STANDING[trait][1] for trait, word in words.items() if word is None})


def _said(tree: dict[str, Any], caller: Caller) -> dict[str, Word | None]:
    """Give the word that each trait of the standing says, or None for one that is ignored; raises BadField."""
    told = {trait: _flags(tree, trait) for trait in _STANDING}
    return {trait: _word(trait, flags, caller) for trait, flags in told.items() if flags}


def _word(trait: str, flags: list[bool | None], caller: Caller) -> Word | None:
    no, yes = _STANDING[trait]
    if True in flags:
        return no
    return yes if trait == OPT_OUT and None not in flags and caller.may(Scope.RELEASE) else None


def _flags(tree: dict[str, Any], trait: str) -> list[bool | None]:
    return [flag(tree, name) for name in (trait, _SEGMENT_NAMES[trait]) if name in tree]


def flag(tree: dict[str, Any], name: str) -> bool | None:
    """Read a trait that says yes or no, as true or false or as their names; raises BadField for anything else."""
    value = tree[name]
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower(), value)
    if value is None or isinstance(value, bool):
        return value
    raise BadField(name, WRONG_VALUE)


def _changed(tree: dict[str, Any], field: str) -> str | None:
    """Give a field's new text: None where it was not told, empty where it was told to be null."""
    told = reading.text(tree, field)
    return "" if told is None and field in tree else told


def phones(traits: dict[str, Any], names: tuple[str, ...]) -> dict[str, Phone | None]:
    """Read the numbers among the traits; raises BadField for one without a country."""
    found: dict[str, Phone | None] = {}
    for name in names:
        if name in traits:
            number = reading.text(traits, name)
            found[name] = (number, reading.phone_keys(number, name, WRONG_VALUE)) if number else None
    return found
