"""Whose device it is: written with profiles, moved with people, gone with them, and the same told again."""

from __future__ import annotations

from dataclasses import replace

from policy.events import Departure, Profile
from policy.store import devices, people
from policy.visitors import TRAIT
from tests.policy.conftest import NOON, SECOND, STORE_ID, Memory, profile, told

GUID = "9F4447E4-9f00-4fa8-ad30-a1a971d4fbf6"


def visitor(*ids: str, email: str | None = None, unit: str = "", pk: int | None = None) -> Profile:
    """Make a profile as the Profile Store's face does: of somebody new, of an address, or of whoever has this key."""
    named = replace(profile(None, email=email, unit=unit), traits={TRAIT: {"DeviceIds": list(ids)}})
    return named if pk is None else replace(named, business_unit=None, xng_id=people.xng_id(STORE_ID, pk))


def owners(memory: Memory, device: str) -> list[str | None]:
    """Say whose device it is, by e-mail."""
    return [person.email for person in devices.having(memory.connection, memory.digests, device)]


def test_a_device_is_its_profile_s(memory: Memory) -> None:
    """Devices are found in any case, several people may have one, and a list that is told anew is the whole."""
    memory.learn([visitor(GUID, "two", email="a@x.de"), visitor(GUID, email="b@x.de")])
    assert owners(memory, GUID.lower()) == ["a@x.de", "b@x.de"]
    memory.learn([visitor("three", email="a@x.de")], NOON + SECOND)
    assert [owners(memory, each) for each in (GUID, "two", "three")] == [["b@x.de"], [], ["a@x.de"]]
    assert memory.told_again().dump() == memory.dump()


def test_a_visitor_without_an_address(memory: Memory) -> None:
    """Each profile without an address is somebody new, who may get an address later by the internal id."""
    memory.learn([visitor("one"), visitor("two")])
    memory.learn([replace(visitor("one", pk=1), email="a@x.de", email_keys=("a@x.de",))], NOON + SECOND)
    assert (owners(memory, "one"), owners(memory, "two")) == (["a@x.de"], [None])
    memory.learn([told("Blacklisted", email="a@x.de")], NOON + 2 * SECOND)
    assert memory.judge("a@x.de") == "blacklisted"
    assert memory.told_again().dump() == memory.dump()


def test_devices_move_with_a_lead_and_go_with_a_user(memory: Memory) -> None:
    """A lead who becomes a user brings the devices along, and a deletion takes them away."""
    memory.learn([visitor("one", email="a@x.de")])
    memory.learn([profile("1", email="a@x.de")], NOON + SECOND)
    assert owners(memory, "one") == ["a@x.de"]
    memory.learn([Departure("1")], NOON + 2 * SECOND)
    assert (owners(memory, "one"), memory.rows("device")) == ([], [])
    assert memory.told_again().dump() == memory.dump()


def test_an_address_that_a_profile_drops_stays_suppressed(memory: Memory) -> None:
    """A profile that changes the address of somebody blacklisted leaves the old one blocked, and the new one is too."""
    memory.learn([visitor("one", email="a@x.de"), told("Blacklisted", email="a@x.de")])
    memory.learn([replace(visitor("one", pk=1), email="b@x.de", email_keys=("b@x.de",))], NOON + SECOND)
    assert (memory.judge("a@x.de"), memory.judge("b@x.de")) == ("blacklisted", "blacklisted")
    memory.learn([replace(visitor("one", pk=1), email="", email_keys=())], NOON + 2 * SECOND)
    assert (memory.judge("a@x.de"), memory.judge("b@x.de")) == ("blacklisted", "blacklisted")
    assert memory.told_again().dump() == memory.dump()
