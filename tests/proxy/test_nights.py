"""The nightly removal in a gate: at its time, once a night, made up for when it was missed, and what is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from policy import Policy, StoreUnavailable, times
from policy.store import removing
from proxy.config import Config
from proxy.loading import load
from proxy.metrics import Metrics
from proxy.nights import Nights
from tests.conftest import OpenGate, RunningGate, Settings, until
from tests.policy.conftest import listed, profile, send_to, terms, told

BOB, ANN = "bob@example.com", "ann@example.com"
ENTRIES = "/api/v1.0/blacklists/"


class World:
    """A policy under a clock, and its nights."""

    def __init__(self, settings: Settings, path: Path, **removal: object) -> None:
        self.config = load(settings.write(blacklists={"removal": removal}), {}).config
        self.policy = Policy(path, now=lambda: self.now)
        self.policy.open()
        self.metrics = Metrics()
        self.set("2026-03-01T12:00:00Z")
        self.begin()

    def begin(self) -> None:
        """Begin as a gate does that starts."""
        self.nights = Nights(self.policy, lambda: self.config, self.metrics)

    def set(self, text: str) -> None:
        """Let it be this time."""
        self.now = times.read(text).first

    async def known(self, email: str) -> None:
        """Let somebody be known, blacklisted and listed."""
        await self.policy.learn([profile(email, email=email), told("Blacklisted", email), listed(email)])

    async def is_known(self, email: str) -> bool:
        """Tell whether anybody has an address."""
        query = "SELECT count(*) FROM person WHERE email_key = ?"
        found: int = await self.policy.ask(lambda connection: connection.execute(query, (email,)).fetchone()[0])
        return found > 0

    def value(self, name: str) -> float | None:
        """Give a metric."""
        return self.metrics.registry.get_sample_value(name, {"by": "night"} if name.endswith("_total") else {})


@pytest.fixture
def world(settings: Settings, tmp_path: Path) -> World:
    """Give a world in which it is noon."""
    return World(settings, tmp_path / "nights.db", at="03:00")


async def test_a_night(world: World) -> None:
    """At its time everybody listed is removed, once; the next night takes who came meanwhile, and all stay refused."""
    await world.nights.look()  # there is nothing to be made up for
    await world.known(BOB)
    world.set("2026-03-02T02:59:59Z")
    await world.nights.look()
    assert await world.is_known(BOB)
    world.set("2026-03-02T03:00:00Z")
    with capture_logs() as log:
        await world.nights.look()
    assert [(line["event"], line.get("people")) for line in log] == [("removal_began", None), ("removal_ended", 1)]
    assert not await world.is_known(BOB)
    assert (await world.policy.judge(send_to(BOB), terms(transactional=True))).refused
    await world.known(ANN)
    await world.nights.look()
    assert await world.is_known(ANN)
    world.set("2026-03-03T03:00:00Z")
    await world.nights.look()
    assert not await world.is_known(ANN)
    assert world.value("sendgate_people_removed_total") == 2
    assert world.value("sendgate_removal_ended_timestamp_seconds") == world.now / 1_000_000
    world.policy.close()


async def test_a_missed_night(world: World) -> None:
    """What was due while the gate was down is done when it starts, and what was done is not done again."""
    await world.known(BOB)
    await world.nights.look()
    assert not await world.is_known(BOB)
    ended = world.value("sendgate_removal_ended_timestamp_seconds")
    await world.known(ANN)
    world.metrics = Metrics()
    world.begin()
    await world.nights.look()
    assert await world.is_known(ANN)
    assert world.value("sendgate_removal_ended_timestamp_seconds") == ended
    world.set("2026-03-09T12:00:00Z")
    world.begin()
    await world.nights.look()
    assert not await world.is_known(ANN)
    world.policy.close()


async def test_where_nobody_is_listed(world: World) -> None:
    """A night without any entry writes nothing, and tells that it ended."""
    before = world.policy.database.ask
    await world.nights.look()
    assert await before(lambda connection: connection.execute("SELECT count(*) FROM removal").fetchone()) == (0,)
    assert world.value("sendgate_removal_ended_timestamp_seconds") == world.now / 1_000_000
    world.policy.close()


async def test_switched_off(settings: Settings, tmp_path: Path) -> None:
    """Without the removal everybody stays, and no metric says that one ended."""
    world = World(settings, tmp_path / "nights.db", enabled=False)
    await world.known(BOB)
    await world.nights.look()
    assert await world.is_known(BOB)
    assert world.value("sendgate_removal_ended_timestamp_seconds") == 0
    world.policy.close()


CHANGED: list[object] = [
    pytest.param({"blacklists": {"removal": {"enabled": False}}}, 1, id="switched off"),
    pytest.param({"profiles": {"business_units": {"shop": "DE"}}}, 0, id="other business units"),
]


@pytest.mark.parametrize(("changed", "left"), CHANGED)
async def test_a_configuration_that_changes_meanwhile(
    world: World, settings: Settings, changed: dict[str, object], left: int
) -> None:
    """A removal that runs stops when it is switched off, or means others now, and then begins anew by what holds."""
    for email in (ANN, BOB):
        await world.known(email)
    before, after = world.config, load(settings.write(**changed), {}).config
    asked = 0

    def config() -> Config:
        nonlocal asked
        asked += 1
        return before if asked <= 5 else after  # until the first of the two is gone

    nights = Nights(world.policy, config, world.metrics)
    with capture_logs() as log:
        await nights.look()
    assert [line["event"] for line in log] == ["removal_began", "removal_broken_off"]
    assert [await world.is_known(ANN), await world.is_known(BOB)] == [False, True]
    assert await world.policy.ask(removing.left)
    await nights.look()
    assert await world.is_known(BOB) is bool(left)
    assert not await world.policy.ask(removing.left)
    world.policy.close()


async def test_what_a_request_left_is_veiled_where_there_are_no_nights(open_gate: OpenGate) -> None:
    """ClearUserData leaves events to the night; without nights the gate sees to them by itself."""
    gate = await open_gate(blacklists={"removal": {"enabled": False}})
    await gate.tell("Opt Out", email=BOB)
    entry = await entered(gate, Email=BOB)
    assert (await gate.api("DELETE", f"{entry}/ClearUserData")).status == 200
    assert await gate.app.policy.ask(removing.left)
    await Nights(gate.app.policy, lambda: gate.app.config, gate.app.metrics).look()
    assert not await gate.app.policy.ask(removing.left)
    assert BOB not in str(
        await gate.app.policy.ask(lambda c: c.execute("SELECT body FROM event WHERE kind = 'told'").fetchall())
    )


async def test_a_store_that_fails(world: World) -> None:
    """While the store fails the night waits, and looks again."""
    await world.known(BOB)
    world.policy.close()
    with pytest.raises(StoreUnavailable):
        await world.nights.look()
    looks: list[float] = []

    async def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            raise KeyError

    with pytest.raises(KeyError):
        await Nights(world.policy, lambda: world.config, world.metrics, sleep).run()
    assert looks == [20.0, 20.0]


async def test_a_copy_is_left_alone(world: World) -> None:
    """Nobody is removed from a copy that was not taken into use."""
    await world.known(BOB)
    world.policy.held_at = 1
    await world.nights.look()
    world.policy.held_at = None
    assert await world.is_known(BOB)
    world.policy.close()


async def test_a_gate_removes(open_gate: OpenGate, settings: Settings) -> None:
    """A gate makes up for the night at its start: the scope of an entry means the unit that the configuration says."""
    path = settings.store
    path.parent.mkdir()
    policy = Policy(path)
    policy.open()
    await policy.learn([profile("1", email=BOB, unit="DE"), profile("2", email=BOB, unit="US"), listed(BOB, "shop")])
    policy.close()
    gate = await open_gate(profiles={"business_units": {"shop": "DE"}})
    await until(lambda: gate.metric("sendgate_people_removed_total", by="night") == 1)
    assert [(await gate.api("GET", f"/users/{user}")).status for user in ("1", "2")] == [404, 200]


# ── at once ──


async def entered(gate: RunningGate, **entry: str) -> str:
    """Put an address on a blacklist, and give the path of the entry."""
    return f"{ENTRIES}{(await gate.api('POST', ENTRIES, entry)).json['BlacklistId']}"


async def test_at_once(gate: RunningGate) -> None:
    """ClearUserData removes the profiles and keeps entry and standing; a second time there is nobody: 404."""
    await gate.user("1", email=BOB, phone="+4915112345678")
    await gate.user("2", email=BOB, businessUnit="DE")
    await gate.tell("Blacklisted", id="1")
    entry = await entered(gate, Email=BOB.upper())
    answer = await gate.api("DELETE", f"{entry}/ClearUserData")
    assert (answer.status, answer.json["Email"], answer.json["ProfilesRemoved"]) == (200, BOB.upper(), 2)
    assert (await gate.api("GET", "/users/1")).status == 404
    assert (await gate.api("GET", entry)).status == 200
    assert gate.metric("sendgate_people_removed_total", by="request") == 2
    again = await gate.api("DELETE", f"{entry}/ClearUserData")
    assert (again.status, again.body) == (404, b"")
    await gate.api("DELETE", entry)
    assert (await gate.mail(BOB)).get("X-Sendgate-Reasons") == "blacklisted"
    assert (await gate.text("+4915112345678")).get("X-Sendgate-Reasons") == "blacklisted"


async def test_at_once_in_a_scope(open_gate: OpenGate) -> None:
    """ClearUserData of an entry with a scope removes those of its business unit alone."""
    gate = await open_gate(profiles={"business_units": {"shop": "DE"}})
    await gate.user("1", email=BOB, businessUnit="DE")
    await gate.user("2", email=BOB, businessUnit="US")
    entry = await entered(gate, Email=BOB, Scope="shop")
    assert (await gate.api("DELETE", f"{entry}/ClearUserData")).json["ProfilesRemoved"] == 1
    assert [(await gate.api("GET", f"/users/{user}")).status for user in ("1", "2")] == [404, 200]


async def test_at_once_for_nobody(gate: RunningGate) -> None:
    """An entry that stands for nobody who is there, and one that is none, are 404 without a body."""
    entry = await entered(gate, Email=BOB)
    for path in (entry, f"{ENTRIES}nonsense"):
        answer = await gate.api("DELETE", f"{path}/ClearUserData")
        assert (answer.status, answer.body) == (404, b"")


async def test_at_once_with_which_keys(open_gate: OpenGate) -> None:
    """It needs the scope of blacklists, and no release: nobody is released."""
    keys = [{"name": name, "key": f"{name}-key", "scopes": [name]} for name in ("users", "blacklists")]
    gate = await open_gate(api={"keys": keys})
    users, blacklists = ({"X-XNG-AuthToken": f"{name}-key"} for name in ("users", "blacklists"))
    assert (await gate.api("PUT", "/users/1", {"email": BOB}, headers=users)).status == 200
    made = await gate.api("POST", ENTRIES, {"Email": BOB}, headers=blacklists)
    path = f"{ENTRIES}{made.json['BlacklistId']}/ClearUserData"
    assert (await gate.api("DELETE", path, headers=users)).status == 403
    assert (await gate.api("DELETE", path, headers=blacklists)).status == 200


@pytest.mark.parametrize("at", ["24:00", "3:00", "03:60", "noon", "03:00:00"])
def test_no_time_of_day(settings: Settings, at: str) -> None:
    """What is no time of day is a fault, and YAML's own reading of times does no harm."""
    assert load(settings.write(blacklists={"removal": {"at": "12:30"}}), {}).config.blacklists.removal.minute == 750
    with pytest.raises(Exception, match="time of day"):
        load(settings.write(blacklists={"removal": {"at": at}}), {})
