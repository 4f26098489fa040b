"""What is in memory of blacklists never lacks an entry that is committed, whatever became of transactions before."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from hypothesis import given, settings

from policy import StoreUnavailable, UnknownEntry
from policy.events import Delisting, Event
from policy.model import MessageClass, Terms
from policy.store import blacklists
from policy.store.digests import SIZE, Digests, key_hash
from policy.store.sieve import Sieve
from tests.policy.conftest import NOON, PASSES, Memory, Sends, World, listed, send_to
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


@settings(max_examples=100)
@given(lives_with_lists)
def test_what_was_removed_is_let_go(life: Life) -> None:
    """Whatever was entered and removed, a sieve that sheds holds what one filled at once does, and nothing else."""
    memory, sieve = Memory(), Sieve()
    for events, _ in life:
        memory.attempt(events)
        sieve.settle(sieve.see(memory.connection))
        sieve.shed(memory.connection)
    fresh = seen(memory)
    assert (sieve._hashes, sieve._patterns, sieve._length) == (fresh._hashes, fresh._patterns, fresh._length)
    assert sieve._tails[1] == fresh._tails[1]
    memory.close()


def test_a_removal_that_failed_lets_nothing_go(memory: Memory) -> None:
    """A removal that was rolled back, whole or to a savepoint, leaves the entry where it is."""
    memory.learn([listed("ann@x.de", name="a"), listed("*@y.de", name="p"), listed("bob@x.de", name="b")])
    sieve, connection = seen(memory), memory.connection
    connection.execute("BEGIN")
    connection.execute("SAVEPOINT job")
    blacklists.remove(connection, Delisting("a"), NOON)
    connection.execute("ROLLBACK TO job")
    blacklists.remove(connection, Delisting("b"), NOON)
    connection.execute("COMMIT")
    connection.execute("BEGIN")
    blacklists.remove(connection, Delisting("p"), NOON)
    connection.execute("ROLLBACK")
    sieve.shed(connection)
    assert sieve.addresses(hashed(memory, "ann@x.de", "bob@x.de")) == set(hashed(memory, "ann@x.de"))
    assert sieve.patterns(["a@y.de"]) == {"@y.de": ["a@y.de"]}


def test_what_another_entry_stands_for_stays(memory: Memory) -> None:
    """An address on two lists stays until it is on none, and so does one that was entered again at once."""
    memory.learn([listed("ann@x.de", name="a"), listed("ann@x.de", "shop", name="b")])
    sieve, ann = seen(memory), set(hashed(memory, "ann@x.de"))
    steps: list[tuple[list[Event], set[int]]] = [
        ([Delisting("a")], ann),
        ([Delisting("b"), listed("ann@x.de", name="c")], ann),
        ([Delisting("c")], set()),
    ]
    for events, held in steps:
        memory.learn(events)
        sieve.settle(sieve.see(memory.connection))
        sieve.shed(memory.connection)
        assert sieve.addresses(ann) == held


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


def _deny_commit(action: int, what: str | None, *_: object) -> int:
    """Let no transaction be committed."""
    committing = (action, what) == (sqlite3.SQLITE_TRANSACTION, "COMMIT")
    return sqlite3.SQLITE_DENY if committing else sqlite3.SQLITE_OK


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
    connection.set_authorizer(_deny_commit)
    with pytest.raises(StoreUnavailable):
        await world.learn(listed(address, name="a"))
    connection.set_authorizer(None)
    assert await world.judge(Sends("ann@x.de", PASSES)) == PASSES
    await asyncio.gather(world.learn(listed("*@y.de")), world.learn(listed(address, name="b")))
    assert [await world.judge(Sends(f"ann@{name}.de", LISTED)) for name in ("x", "y")] == [LISTED] * 2


async def test_a_removal_is_let_go_at_once(world: World) -> None:
    """Once a removal is answered memory holds nothing of it, and a removal that was refused changes nothing."""
    sieve = world.policy.database.sieve
    await world.learn(listed("ann@x.de", name="a"), listed("*@y.de", name="b"), listed("bob@x.de", name="c"))
    with pytest.raises(UnknownEntry):
        await world.learn(Delisting("a"), Delisting("unknown"))
    assert await world.judge(Sends("ann@x.de", LISTED)) == LISTED
    await world.learn(Delisting("a"), Delisting("b"))
    assert (len(sieve._hashes), sieve.empty) == (1, False)
    await world.learn(Delisting("c"))
    assert sieve.empty


async def test_a_removal_whose_commit_failed_is_in_force(world: World) -> None:
    """An entry whose removal could not be committed goes on stopping sends, and later removals change nothing in it."""
    await world.learn(listed("ann@x.de", name="a"), listed("bob@x.de", name="b"))
    connection = world.policy.database._writer
    connection.set_authorizer(_deny_commit)
    with pytest.raises(StoreUnavailable):
        await world.learn(Delisting("a"))
    connection.set_authorizer(None)
    await world.learn(Delisting("b"))
    assert [await world.judge(Sends(f"{name}@x.de", LISTED)) for name in ("ann", "bob")] == [LISTED, PASSES]


async def test_entries_are_there_after_a_restart(world: World) -> None:
    """A store that is opened knows the entries that were told before."""
    await world.learn(listed("*.example.com"), listed("ann@x.de"))
    world.policy.close()
    again = World(world.policy.database.path)
    for address in ("a@b.example.com", "ann@x.de"):
        assert (await again.policy.judge(send_to(address), TERMS)).refused
    again.policy.close()
