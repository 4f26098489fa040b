"""The hot read gives what the store says of an address, and never what it says of another."""

from __future__ import annotations

import sqlite3

import orjson
import pytest

from policy.events import Departure
from policy.model import Channel, Facts, Holder, Microseconds, Stamp, Standing
from policy.store import facts
from policy.store.digests import SIZE, Digests, key_hash
from tests.policy.conftest import NOON, Memory, listed, profile, told

ANN, BOB, CIM = "ann@x.de", "bob@x.de", "cim@x.de"


class Colliding(Digests):
    """Digests of which all share their first 64 bits, as two of very many addresses might."""

    def digest(self, key: str) -> bytes:
        """Give a digest that differs in its second half alone."""
        whole = super().digest(key)
        return b"same8bit" + whole[: SIZE - 8]


@pytest.fixture
def colliding(memory: Memory) -> Memory:
    """Give a store in which every address looks up the same row."""
    memory.digests = Colliding("pepper")
    return memory


def test_facts_tell_everybody_who_has_the_address(memory: Memory) -> None:
    """A suppressed key gives all its holders, the one who said nothing as well, with since when and by whom."""
    memory.learn([profile("1", email=ANN, unit="DE"), profile("2", email=ANN, unit="FR"), profile("3", email=BOB)])
    memory.learn([told("Blacklisted", "1", origin="api"), told("Opt Out", "1", channel=Channel.SMS)])
    said = Standing(Stamp(NOON, "api"), {Channel.SMS: Stamp(NOON, "event")})
    holders = (Holder("1", "DE", said), Holder("2", "FR", Standing()))
    assert memory.facts([ANN, BOB, CIM]) == Facts({ANN: holders})


def test_a_kept_address_is_told_as_one(memory: Memory) -> None:
    """What is kept of an address is a holder without a name, marked as kept."""
    memory.learn([profile("1", email=ANN, unit="DE"), told("Blacklisted", "1")])
    memory.learn([Departure("1", keep_suppressed=True)])
    assert memory.facts([ANN]).holders == {ANN: (Holder(None, "DE", Standing(Stamp(NOON, "event")), kept=True),)}


def test_who_is_known_is_told_on_request(memory: Memory) -> None:
    """With `known`, the keys that somebody has are told, suppressed or not; kept and unknown ones are nobody's."""
    memory.learn([profile("1", email=ANN), profile("2", email=BOB), told("Blacklisted", "2")])
    memory.learn([profile("3", email=CIM), told("Blacklisted", "3"), Departure("3", keep_suppressed=True)])
    assert memory.facts([ANN, BOB, CIM, "nobody@x.de"], known=True).known == frozenset({ANN, BOB})
    assert memory.facts([ANN]).known is None
    assert not memory.connection.in_transaction


@pytest.mark.parametrize("number", [0, 1, 2, facts.ON_THE_LOOP, 1000])
def test_any_number_of_keys_is_read_at_once(memory: Memory, number: int) -> None:
    """Of any number of keys exactly the suppressed ones are found."""
    keys = [f"{each}@x.de" for each in range(number)]
    memory.learn([told("Blacklisted", email=key) for key in keys[::3]])
    assert set(memory.facts(keys).holders) == set(keys[::3])


def test_keys_that_share_a_row_are_told_apart(colliding: Memory) -> None:
    """With equal 64 bits only the suppressed address is suppressed, asked alone and beside the others."""
    colliding.learn([profile("1", email=ANN), profile("2", email=BOB), told("Blacklisted", "1")])
    assert colliding.connection.execute("SELECT count(*) FROM suppressed").fetchone()[0] == 1
    assert [colliding.judge(key) for key in (ANN, BOB, CIM)] == ["blacklisted", "passes", "passes"]
    suppressed = Holder("1", "", Standing(Stamp(NOON, "event")))
    assert colliding.facts([ANN, BOB, CIM]).holders == {ANN: (suppressed,), BOB: (Holder("2", "", Standing()),)}


@pytest.mark.parametrize("asked", [[ANN, BOB, CIM], [BOB, CIM, ANN]])
def test_an_entry_is_found_beside_keys_that_share_its_64_bits(colliding: Memory, asked: list[str]) -> None:
    """Memory tells recipients apart by 64 bits; where those of one send are equal the store is asked of all."""
    colliding.learn([listed(BOB)])
    assert [key for key, entries in colliding.facts(asked).listed.items() if entries] == [BOB]


def test_neighbours_in_a_row_stay_when_one_is_released(colliding: Memory) -> None:
    """Two suppressed addresses with equal 64 bits: releasing, changing or deleting one leaves the other."""
    colliding.learn([profile("1", email=ANN), profile("2", email=BOB), told("Blacklisted", "1"), told("Opt Out", "2")])
    assert [colliding.judge(key) for key in (ANN, BOB)] == ["blacklisted", "opted_out"]
    colliding.learn([told("Whitelisted", "1")])
    assert [colliding.judge(key) for key in (ANN, BOB)] == ["passes", "opted_out"]
    colliding.learn([Departure("1")])
    assert colliding.judge(BOB) == "opted_out"
    colliding.learn([profile("2", email=CIM)])
    assert [colliding.judge(key) for key in (BOB, CIM)] == ["opted_out", "opted_out"]
    colliding.learn([told("Opt In", "2")])
    assert colliding.connection.execute("SELECT count(*) FROM suppressed").fetchone()[0] == 0
    assert colliding.derived_anew() == colliding.rows("suppressed")


def test_a_row_is_confirmed_on_the_whole_digest() -> None:
    """A digest finds its own people in a row and nobody else's, and a row of people who said nothing is none."""
    first, second = b"same8bit" + b"1" * 8, b"same8bit" + b"2" * 8
    no = ("blacklist", "ALL", "event", "", 5, 0)
    nothing = (None,) * 6
    text = facts.row([(first, 1, "1", "", 0, *no), (second, 2, "2", "DE", 0, *nothing)])
    assert text is not None
    assert facts.confirmed(text, first) == (Holder("1", "", Standing(Stamp(Microseconds(5), "event"))),)
    assert facts.confirmed(text, second) == (Holder("2", "DE", Standing()),)
    assert facts.confirmed(text, b"same8bit" + b"3" * 8) == ()
    assert facts.row([(first, 1, "1", "", 0, *nothing)]) is None
    assert facts.row([]) is None


def test_one_person_alone_gives_the_same_row() -> None:
    """The short way of writing a row gives the text of the long one."""
    digest = b"8 bytes and more"
    joined = [
        (digest, 1, "7", "DE", 0, "blacklist", "ALL", "api", "", 5, 0),
        (digest, 1, "7", "DE", 0, "opt_out", "MAIL", "event", "", 6, 0),
    ]
    standing = Standing(Stamp(Microseconds(5), "api"), {Channel.MAIL: Stamp(Microseconds(6), "event")})
    assert facts.row_alone(digest, facts.Alone("7", "DE", standing)) == facts.row(joined)


def test_the_row_holds_no_address(memory: Memory) -> None:
    """What is derived of an address is keyed by its digest; the address itself does not stand in it."""
    memory.learn([told("Blacklisted", email=ANN)])
    ((hashed, text),) = memory.rows("suppressed")
    assert hashed == key_hash(memory.digests.digest(ANN))
    assert orjson.loads(text)[0][0] == memory.digests.digest(ANN).hex()
    assert "ann" not in text


def test_a_read_that_fails_leaves_no_transaction(memory: Memory) -> None:
    """When the read of who is known fails, its connection is free for the next one."""
    memory.connection.execute("DROP TABLE address")
    with pytest.raises(sqlite3.OperationalError):
        memory.facts([ANN], known=True)
    assert not memory.connection.in_transaction
