"""What a system that may not release can ask of a gate: one function a kind of call, drawn by seeded dice.

The world is small on purpose, so that calls meet: few ids, few addresses, several spellings of the same address and
number. A step makes one call, and says what its answer promised: every acknowledged no that named an address.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from policy import identity
from policy.model import Channel, MessageClass
from policy.rows import COLUMNS
from proxy.api.importing import SALVAGED
from proxy.links import Link, Links
from tests.conftest import FORM, JSON, Message, RunningGate

E_MAILS: Final = ("a@x.io", "b@x.io", "c@x.io", "A@X.io", "straße@x.io", "d@straße.de", '"a"@x.io')
PHONES: Final = ("+4915112345678", "+493012345678", "+4915112345679", "004915112345678")
IDS: Final = ("u0", "u1", "u2", "u3")
UNITS: Final = ("", "DE", "FR", "de")
TIMES: Final = ("0001-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z")

DEVICES: Final = ("phone-of-a", "tablet", "PHONE-of-a")

SCOPES: Final = ("users", "events", "blacklists")
WARY: Final = {"name": "wary", "key": "a-key-that-releases-nobody", "scopes": list(SCOPES)}
FREE: Final = {"name": "free", "key": "a-key-that-may-release", "scopes": [*SCOPES, "records", "release"]}
LINK_KEY: Final = "k" * 32
HOOK_KEY: Final = "the-key-of-a-webhook"
V2: Final = {"X-XNG-ApiVersion": "2"}

Body = dict[str, Any]


class Promise(NamedTuple):
    """An address that is to get no message of a class from now on."""

    address: str
    message_class: MessageClass

    def __repr__(self) -> str:
        """Name the promise in a failure."""
        return f"{self.address} gets nothing {self.message_class.value}"


Promises = set[Promise]


def channel_of(address: str) -> Channel:
    """Say by which channel an address of this world is reached."""
    return Channel.MAIL if "@" in address else Channel.SMS


def keys_of(address: str) -> tuple[str, ...]:
    """Give the keys that an address of this world may stand for."""
    return identity.email_keys(address) if "@" in address else identity.phone_keys(address)


@dataclass
class Life:
    """A gate, the dice, the blacklist entries that may be taken away again, and every call with its status."""

    gate: RunningGate
    dice: Random
    entries: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    async def ask(self, method: str, path: str, body: Any = None, given: Mapping[str, str] | None = None) -> Message:
        """Ask the API by the key that may not release."""
        return await self._ask(WARY["key"], method, path, body, given)

    async def ask_freely(self, method: str, path: str, body: Any = None) -> Message:
        """Ask the API by the key that may."""
        return await self._ask(FREE["key"], method, path, body)

    async def click(self, address: str, unit: str, form: bytes = b"List-Unsubscribe=One-Click") -> Message:
        """Unsubscribe an address by one click, as a mailbox does, or say something else at its link."""
        token = Links([LINK_KEY]).make(Link(keys_of(address)[0], channel_of(address), unit))
        answer = await self.gate.post(f"/u/{token}", form, FORM, door="public")
        return self._noted(answer, f"{form!r} of {address!r} in unit {unit!r}")

    async def hear(self, item: Body) -> Message:
        """Hear from a provider what it learned of somebody."""
        given = ("Authorization", f"Bearer {HOOK_KEY}")
        answer = await self.gate.post("/webhooks/provider", json.dumps(item).encode(), JSON, given, door="public")
        return self._noted(answer, f"webhook {item}")

    async def _ask(
        self, key: object, method: str, path: str, body: Any = None, given: Mapping[str, str] | None = None
    ) -> Message:
        headers = {"Authorization": f"Bearer {key}", **(given or {})}
        answer = await self.gate.api(method, path, body, headers=headers)
        return self._noted(answer, " ".join(map(str, filter(None, (method, path, given, body)))))

    def _noted(self, answer: Message, call: str) -> Message:
        self.calls.append(f"{call} → {answer.status}")
        return answer

    def happens(self, chance: float) -> bool:
        """Throw the dice once."""
        return self.dice.random() < chance

    def some(self, chances: Mapping[str, tuple[float, tuple[Any, ...]]]) -> Body:
        """Draw fields: each is there by its chance, with one of its values."""
        return {name: self.dice.choice(values) for name, (chance, values) in chances.items() if self.happens(chance)}

    def profile(self) -> Body:
        """Draw a profile; an address in it may be null, which takes the address away."""
        return self.some(
            {
                "email": (0.7, (*E_MAILS, None)),
                "phone": (0.35, (*PHONES, None)),
                "businessUnit": (0.4, UNITS),
                "optOut": (0.25, (True, False, None, "false")),
                "blacklisted": (0.1, (True, False)),
                "traits.optOut": (0.1, (True, False)),
            }
        )

    def subject(self) -> Body:
        """Draw who an event is about: an id, an address, or several of them.

        Mostly an id alone, for what is told of an address holds for good and would hide what becomes of people.
        """
        if self.happens(0.6):
            return {"id": self.dice.choice(IDS)}
        chances = {"id": (0.4, IDS), "email": (0.5, E_MAILS), "phone": (0.3, PHONES), "businessUnit": (0.3, UNITS)}
        while not (subject := self.some(chances)).keys() & {"id", "email", "phone"}:
            pass
        return subject

    async def known(self, address: str) -> str | None:
        """Ask for the gate's own id of somebody who has an address."""
        items = (await self.ask("GET", f"/standing?address={quote(address)}")).json["items"]
        ids = [item["xngId"] for item in items if item["xngId"]]
        return self.dice.choice(ids) if ids else None


Step = Callable[[Life], Awaitable[Promises]]


def promised_by(profiles: list[Body]) -> Promises:
    """Say what taking some profiles promises: a no in one holds for the addresses in it."""
    found: Promises = set()
    for profile in profiles:
        for address in filter(None, (profile.get("email"), profile.get("phone"))):
            if profile.get("blacklisted") is True:
                found.add(Promise(address, MessageClass.TRANSACTIONAL))
            if profile.get("optOut") is True or profile.get("traits.optOut") is True:
                found.add(Promise(address, MessageClass.MARKETING))
    return found


# ── events ──


async def tell_events(life: Life) -> Promises:
    """Tell one event or two about somebody, now or with a time of their own."""
    subject = life.subject()
    events = [_event(life) for _ in range(life.dice.randint(1, 2))]
    answer = await life.ask("POST", "/events", {**subject, "events": events})
    addresses = [subject[name] for name in ("email", "phone") if name in subject]
    told = {Promise(address, kind) for address in addresses for event in events for kind in _told(event, address)}
    return told if answer.status == 202 else set()


def _event(life: Life) -> Body:
    event: Body = {
        "event": life.dice.choice(("Blacklisted", "Opt Out", "Opt Out")),
        **life.some({"timestamp": (0.3, TIMES)}),
    }
    if event["event"] == "Opt Out" and life.happens(0.7):
        event["properties"] = {"channel.type": life.dice.choice(("MAIL", "SMS", "ALL"))}
    return event


def _told(event: Body, address: str) -> list[MessageClass]:
    if event["event"] == "Blacklisted":
        return [MessageClass.TRANSACTIONAL]
    channel = event.get("properties", {}).get("channel.type", "ALL")
    return [MessageClass.MARKETING] if channel in ("ALL", channel_of(address).value) else []


# ── users and leads ──


async def put_user(life: Life) -> Promises:
    """Write a user's profile."""
    profile = life.profile()
    answer = await life.ask("PUT", f"/users/{life.dice.choice(IDS)}", profile)
    return promised_by([profile]) if answer.status == 200 else set()


async def move_user(life: Life) -> Promises:
    """Move a user to another business unit, the address with them."""
    await life.ask("PUT", f"/users/{life.dice.choice(IDS)}", {"businessUnit": life.dice.choice(UNITS)})
    return set()


async def put_user_v2(life: Life) -> Promises:
    """Write a user's profile by the second version of the API."""
    profile = {"id": life.dice.choice(IDS), **life.profile()}
    answer = await life.ask("PUT", "/users", profile, V2)
    return promised_by([profile]) if answer.status == 202 else set()


async def post_batch(life: Life) -> Promises:
    """Write two users and perhaps delete one, by either version of the API."""
    updated = [{"id": life.dice.choice(IDS), **life.profile()} for _ in range(2)]
    deleted = [{"id": life.dice.choice(IDS)}] if life.happens(0.5) else []
    given = life.dice.choice(({}, V2))
    answer = await life.ask("POST", "/users/batch", {"updated": updated, "deleted": deleted}, given)
    return promised_by(updated) if answer.status == 200 else set()


async def post_leads(life: Life) -> Promises:
    """Write two leads and perhaps delete somebody by the gate's own id."""
    updated = [life.profile() for _ in range(2)]
    found = await life.known(life.dice.choice(E_MAILS))
    deleted = [{"xngId": found}] if found and life.happens(0.4) else []
    answer = await life.ask("POST", "/leads/", {"updated": updated, "deleted": deleted})
    return promised_by(updated) if answer.status == 200 else set()


async def delete_user(life: Life) -> Promises:
    """Delete a user, by either version of the API."""
    await life.ask("DELETE", f"/users/{life.dice.choice(IDS)}", None, life.dice.choice(({}, V2)))
    return set()


async def blacklist_user(life: Life) -> Promises:
    """Blacklist a user by id, or try to release one."""
    status = {"blacklisted": life.happens(0.7)}
    await life.ask("PUT", f"/users/{life.dice.choice(IDS)}/blacklist-status", status)
    return set()


async def opt_user_out(life: Life) -> Promises:
    """Opt a user out by id, or try to opt one in."""
    query = life.dice.choice(("", "?channelType=MAIL"))
    await life.ask("PUT", f"/users/{life.dice.choice(IDS)}/optout-status{query}", {"optOut": life.happens(0.7)})
    return set()


# ── blacklists and profiles, after Optimizely's ──


async def list_address(life: Life) -> Promises:
    """Put an address or a whole domain on a blacklist."""
    entry = {"Email": life.dice.choice((*E_MAILS, "*@x.io")), "Scope": life.dice.choice((None, "shop"))}
    answer = await life.ask("POST", "/api/v1.0/blacklists/", entry)
    if answer.status == 201:
        life.entries.append(answer.json["BlacklistId"])
    return set()


async def unlist_address(life: Life) -> Promises:
    """Take an entry off the blacklists, as one may who releases: whoever was refused for more remains so."""
    if life.entries:
        await life.ask_freely("DELETE", f"/api/v1.0/blacklists/{life.entries.pop()}")
    return set()


async def post_profile(life: Life) -> Promises:
    """Write a profile that the gate finds by its address."""
    scope = life.some({"Scope": (0.5, ("shop", "default", ""))})
    await life.ask("POST", "/api/v1.0/profiles", {"Info": {"Email": life.dice.choice(E_MAILS)}, **scope})
    return set()


async def put_profile(life: Life) -> Promises:
    """Give somebody's profile another address, or none."""
    if found := await life.known(life.dice.choice(E_MAILS + PHONES)):
        email = life.dice.choice((*E_MAILS, None))
        await life.ask("PUT", f"/api/v1.0/profiles/{found}", {"Info": {"Email": email}})
    return set()


async def delete_profile(life: Life) -> Promises:
    """Delete somebody's profile."""
    if found := await life.known(life.dice.choice(E_MAILS + PHONES)):
        await life.ask("DELETE", f"/api/v1.0/profiles/{found}")
    return set()


async def track(life: Life) -> Promises:
    """Tell what somebody's device did, a no among it; one about a listed address is kept all the same."""
    email = life.dice.choice((*E_MAILS, None))
    device = life.dice.choice((*DEVICES, *E_MAILS))
    event: Body = {
        "DeviceId": device,
        "EventType": life.dice.choice(("view", "Opt Out", "Blacklisted", "Opt In", "Whitelisted")),
        "Value": "seen",
        **life.some({"Scope": (0.5, ("shop", "FR")), "EventTime": (0.3, TIMES)}),
        **({"User": {"Email": email}} if email else {}),
    }
    answer = await life.ask("POST", "/api/v1.0/Track", event)
    address = email or (device if "@" in device else None)
    kind = {"Opt Out": MessageClass.MARKETING, "Blacklisted": MessageClass.TRANSACTIONAL}.get(event["EventType"])
    return {Promise(address, kind)} if address and kind and answer.status == 202 else set()


async def import_rows(life: Life) -> Promises:
    """Import two people, whose noes count where the row as a whole does not."""
    rows = [_row(life) for _ in range(2)]
    answer = await life.ask("POST", "/import", {"rows": rows})
    told = zip(rows, answer.json["items"], strict=True)
    return promised_by(
        [
            {
                "email": email if email in E_MAILS else "",
                "phone": phone,
                "blacklisted": blacklisted == "true",
                "optOut": opt_out == "true",
            }
            for (_, email, _, phone, blacklisted, _, opt_out, *_), wrong in told
            if not wrong or SALVAGED in wrong
        ]
    )


def _row(life: Life) -> list[str]:
    said = life.some(
        {
            "id": (0.5, IDS),
            "email": (0.7, (*E_MAILS, "no address")),
            "businessUnit": (0.4, UNITS),
            "phone": (0.3, PHONES),
            "blacklisted": (0.2, ("true", "false", "perhaps")),
            "blacklistedAt": (0.1, TIMES),
            "optOutAll": (0.3, ("true", "false")),
            "optOutChannels": (0.2, ("MAIL", "SMS@2020-01-01T00:00:00Z", "-MAIL")),
        }
    )
    return [str(said.get(column, "")) for column in COLUMNS]


async def erase(life: Life) -> Promises:
    """Erase whoever has an address, or a user by id: what suppresses stays."""
    await life.ask("POST", "/erasures", {"whom": life.dice.choice((*E_MAILS, *PHONES, *IDS))})
    return set()


async def remove_listed(life: Life) -> Promises:
    """Remove whom one entry of a blacklist stands for, at once."""
    if life.entries:
        await life.ask("DELETE", f"/api/v1.0/blacklists/{life.dice.choice(life.entries)}/ClearUserData")
    return set()


async def sleep_a_night(life: Life) -> Promises:
    """Let a night pass, which removes whom entries of blacklists stand for."""
    policy, units = life.gate.app.policy, life.gate.app.config.profiles.units
    night = await policy.remove_listed(policy.now(), units, rest=_no_rest)
    life.calls.append(f"a night, which removed {night.people}")
    return set()


async def _no_rest(_seconds: float) -> None:
    """Go on at once."""


# ── the recipients ──


async def click_link(life: Life) -> Promises:
    """Follow the link of a mail or text, as its recipient may."""
    address = life.dice.choice(E_MAILS + PHONES)
    answer = await life.click(address, life.dice.choice(UNITS))
    return {Promise(address, MessageClass.MARKETING)} if answer.status == 200 else set()


async def hear_from_provider(life: Life) -> Promises:
    """Hear that somebody used the provider's own link, complained, or has no mailbox any more."""
    email = life.dice.choice(E_MAILS)
    reason = life.dice.choice(("ManualSuppression", "SpamComplaint", "HardBounce"))
    answer = await life.hear(_changed(life, email, suppresses=True, reason=reason))
    kind = MessageClass.TRANSACTIONAL if reason == "HardBounce" else MessageClass.MARKETING
    return {Promise(email, kind)} if answer.status == 200 else set()


def _changed(life: Life, email: str, **told: Any) -> Body:
    """Write a change of a subscription as Postmark does, now or at a time of its own."""
    return {
        "RecordType": "SubscriptionChange",
        "MessageStream": life.dice.choice(("outbound", "news")),
        "Recipient": email,
        "SuppressSending": told["suppresses"],
        "SuppressionReason": told.get("reason"),
        "Origin": "Recipient",
        "ChangedAt": life.dice.choice(TIMES),
        "MessageID": str(life.dice.random()),
    }


# ── who may release ──


async def tell_freely(life: Life) -> Promises:
    """Tell a yes about somebody, now or with a time of its own."""
    event = {**_event(life), "event": life.dice.choice(("Whitelisted", "Opt In"))}
    await life.ask_freely("POST", "/events", {**life.subject(), "events": [event]})
    return set()


async def set_freely(life: Life) -> Promises:
    """Release a user by a status, or by a profile."""
    user = f"/users/{life.dice.choice(IDS)}"
    path, body = life.dice.choice(
        (("/blacklist-status", {"blacklisted": False}), ("/optout-status", {"optOut": False}), ("", {"optOut": False}))
    )
    await life.ask_freely("PUT", f"{user}{path}", body)
    return set()


async def import_freely(life: Life) -> Promises:
    """Import two people, for whom false is a yes."""
    await life.ask_freely("POST", "/import", {"rows": [_row(life) for _ in range(2)], "release": True})
    return set()


async def delete_freely(life: Life) -> Promises:
    """Delete a user with their standing, as far as the configuration lets it go."""
    await life.ask_freely("DELETE", f"/users/{life.dice.choice(IDS)}")
    return set()


async def click_back(life: Life) -> Promises:
    """Come back on the page of a link, or leave everything there."""
    form = life.dice.choice((b"action=in", b"action=in", b"action=out_all"))
    await life.click(life.dice.choice(E_MAILS + PHONES), life.dice.choice(UNITS), form)
    return set()


async def hear_of_a_return(life: Life) -> Promises:
    """Hear from the provider that somebody wants mail again."""
    await life.hear(_changed(life, life.dice.choice(E_MAILS), suppresses=False))
    return set()


STEPS: Final[Mapping[Step, int]] = {  # how often each is drawn beside the others
    tell_events: 4,
    put_user: 9,
    move_user: 4,
    put_user_v2: 3,
    post_batch: 3,
    post_leads: 3,
    delete_user: 3,
    blacklist_user: 3,
    opt_user_out: 3,
    list_address: 2,
    unlist_address: 1,
    post_profile: 1,
    put_profile: 2,
    delete_profile: 1,
    click_link: 1,
    track: 3,
    import_rows: 3,
    erase: 1,
    remove_listed: 1,
    sleep_a_night: 1,
    hear_from_provider: 1,
}
RELEASING: Final[Mapping[Step, int]] = {
    tell_freely: 4,
    set_freely: 4,
    import_freely: 2,
    delete_freely: 2,
    click_back: 3,
    hear_of_a_return: 2,
}


async def take_a_step(life: Life, steps: Mapping[Step, int] = STEPS) -> Promises:
    """Draw a step, take it, and say what it promised."""
    (step,) = life.dice.choices(list(steps), list(steps.values()))
    return await step(life)
