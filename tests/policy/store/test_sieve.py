"""What is in memory of blacklists never lacks an entry that is committed, whatever became of transactions before."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from hypothesis import given, settings

from policy import StoreUnavailable
from policy.events import Delisting
from policy.model import MessageClass, Terms
from policy.store.digests import SIZE, Digests, key_hash
from policy.store.sieve import Sieve
from tests.policy.conftest import PASSES, Memory, Sends, World, listed, send_to
from tests.policy.store.conftest import ADDRESSES, Life, lives_with_lists

LISTED = "blacklist_entry"
TERMS = Terms(MessageClass.MARKETING)


def seen(memory: Memory) -> Sieve:
    """Take in the entries of a store."""
    sieve = Sieve()
    sieve.settle(sieve.see(memory.connection))
    return sieve


def hashed(memory: Memory, *keys: str) -> list[int]:
    """Give the hashes of some keys."""
    return [key_hash(memory.digests.digest(key)) for key in keys]


def test_only_what_may_be_there_is_asked_for(memory: Memory) -> None:
    """A send asks for the entries of its addresses that there are, and for the patterns over them, once each."""
    assert Sieve().empty
    assert (Sieve().addresses([1, 2]), Sieve().patterns(["a@x.de"])) == (set(), {})
    memory.learn([listed("*@x.de"), listed("*.de"), listed("ann@y.de"), listed("+4915112345678")])
    sieve = seen(memory)
    assert not sieve.empty
    there = hashed(memory, "ann@y.de", "+4915112345678")
    assert sieve.addresses([*there, *hashed(memory, "bob@y.de", "@x.de", ".de")]) == set(there)
    assert sieve.patterns(["a@x.de", "b@x.de", "a@y.de", "a@x.com", "a@xx.de.com", "+4915112345678"]) == {
        "@x.de": ["a@x.de", "b@x.de"],
        ".de": ["a@x.de", "b@x.de", "a@y.de"],
    }


@pytest.mark.parametrize("first", ["*@a-domain-that-is-much-longer-than-a-tail.example", "*@x.de", "*.de"])
@pytest.mark.parametrize("second", ["*@another-domain-that-is-as-long.example", "*@y.de", "*.at"])
def test_patterns_of_any_length_are_found(memory: Memory, first: str, second: str) -> None:
    """Whether a longer or a shorter pattern comes first, a send finds both."""
    for pattern in (first, second):
        memory.learn([listed(pattern)])
        assert memory.judge(pattern.replace("*@", "a@").replace("*.", "a@b.")) == LISTED


@settings(max_examples=100)
@given(lives_with_lists)
def test_nothing_is_held_back_that_stands_on_a_list(life: Life) -> None:
    """Whatever was entered and removed, a sieve that saw it bit by bit lets pass what one filled at once does."""
    memory, sieve = Memory(), Sieve()
    for events, _ in life:
        memory.attempt(events)
        sieve.settle(sieve.see(memory.connection))
    fresh = seen(memory)
    everybody = hashed(memory, *ADDRESSES)
    assert fresh.addresses(everybody) <= sieve.addresses(everybody)
    for address in ADDRESSES:
        assert fresh.patterns([address]).items() <= sieve.patterns([address]).items()
    memory.close()


def test_a_transaction_that_failed_is_looked_through_again(memory: Memory) -> None:
    """The mark moves with the commit: what takes the row number of an undone entry is not overlooked."""
    sieve, connection = Sieve(), memory.connection
    insert = "INSERT INTO blacklist_key (digest, entry, pattern) VALUES (?, 1, ?)"
    connection.execute("BEGIN")
    connection.execute(insert, (b"u" * SIZE, "@undone.de"))
    sieve.see(connection)
    connection.execute("ROLLBACK")
    connection.execute(insert, (b"d" * SIZE, "@done.de"))
    sieve.settle(sieve.see(connection))
    assert list(sieve.patterns(["a@done.de"])) == ["@done.de"]


class Colliding(Digests):
    """Digests of which all share their first 64 bits, as two of very many addresses might."""

    def digest(self, key: str) -> bytes:
        """Give a digest that differs in its second half alone."""
        return b"same8bit" + super().digest(key)[: SIZE - 8]


def test_addresses_that_share_a_hash_are_told_apart(memory: Memory) -> None:
    """With equal 64 bits only the address on the list is on it, asked alone and beside others."""
    memory.digests = Colliding("pepper")
    memory.learn([listed("ann@x.de"), listed("*@y.de")])
    assert [memory.judge(f"{name}.de") for name in ("ann@x", "bob@x", "bob@y")] == [LISTED, PASSES, LISTED]
    assert set(memory.facts(["ann@x.de", "bob@x.de", "bob@y.de"]).listed) == {"ann@x.de", "bob@y.de"}


# ── beside the writer ──


@pytest.mark.parametrize("address", ["ann@x.de", "*@x.de"])
async def test_a_send_after_the_acknowledgement_sees_the_entry(world: World, address: str) -> None:
    """Whoever got an answer to an entry finds the very next send refused, and after its removal passed."""
    for number in range(20):
        await world.learn(listed(address, name=str(number)))
        assert await world.judge(Sends("ann@x.de", LISTED)) == LISTED
        await world.learn(Delisting(str(number)))
        assert await world.judge(Sends("ann@x.de", PASSES)) == PASSES


@pytest.mark.parametrize("address", ["ann@x.de", "*@x.de"])
async def test_an_entry_of_a_failed_commit_is_found_when_it_is_told_again(world: World, address: str) -> None:
    """An entry whose commit failed counts for nothing, and told again it counts."""
    connection = world.policy.database._writer

    def deny_commit(action: int, what: str | None, *_: object) -> int:
        committing = (action, what) == (sqlite3.SQLITE_TRANSACTION, "COMMIT")
        return sqlite3.SQLITE_DENY if committing else sqlite3.SQLITE_OK

    connection.set_authorizer(deny_commit)
    with pytest.raises(StoreUnavailable):
        await world.learn(listed(address, name="a"))
    connection.set_authorizer(None)
    assert await world.judge(Sends("ann@x.de", PASSES)) == PASSES
    await asyncio.gather(world.learn(listed("*@y.de")), world.learn(listed(address, name="b")))
    assert [await world.judge(Sends(f"ann@{name}.de", LISTED)) for name in ("x", "y")] == [LISTED] * 2


async def test_entries_are_there_after_a_restart(world: World) -> None:
    """A store that is opened knows the entries that were told before."""
    await world.learn(listed("*.example.com"), listed("ann@x.de"))
    world.policy.close()
    again = World(world.policy.database.path)
    for address in ("a@b.example.com", "ann@x.de"):
        assert (await again.policy.judge(send_to(address), TERMS)).refused
    again.policy.close()
