"""Every column of every table, and what an erasure does to it: a new one is met here before it holds anybody's name."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from policy import segments
from policy.events import Delisting, Unplaced
from policy.store.segments import save
from tests.policy.conftest import NOON, Memory, listed, profile, told
from tests.policy.store.test_records import OUTCOME, refused, write

BOB, ANN, PHONE, ID = "bob@x.de", "ann@x.de", "+4915112345678", "customer-4711"

# What may name somebody. An erasure leaves none of the erased one's addresses and ids in these.
NAMING: Final = {
    "person": {"external_id", "xng_id", "email", "email_key", "phones", "traits"},
    "suppressed": {"facts"},
    "event": {"body"},
    "dispatch_failed": {"place", "address", "user", "campaign"},
    "blacklist": {"address", "key", "reason"},
    "segment": {"filter"},
    "removing": {"ids"},
}
# Keyed hashes, which name nobody to whoever has no pepper; and hashes of statements, which become keyed ones.
HASHES: Final = {
    "address": {"digest"},
    "suppressed": {"key_hash"},
    "event": {"identity"},
    "dispatch_failed": {"digest"},
    "notice": {"identity"},
    "blacklist_key": {"digest"},
    "everybody": {"digest"},
    "heard": {"digest"},
    "device": {"digest"},
    "conflict": {"digest"},
}
# What is about nobody: numbers of rows, times, words of the gate's own, and what operators and systems are called.
ABOUT_NOBODY: Final = {
    "meta": {"name", "value"},
    "person": {"pk", "business_unit", "kept", "former", "created_at", "updated_at"},
    "address": {"person"},
    "register": {"person", "kind", "channel", "origin", "number", "suppressed_at", "released_at"},
    "event": {"sequence", "arrived_at", "effective_at", "person", "kind", "name", "channel", "origin", "source"},
    "dispatch_failed": {
        "id",
        "time",
        "decision",
        "route",
        "provider",
        "channel",
        "class",
        "business_unit",
        "reason",
        "origin",
        "sender",
        "recipients",
        "enforced",
        "sent",
        "upstream_status",
        "request",
    },
    "notice": {"sequence", "arrived_at"},
    "segment": {"name", "created_at"},
    "device": {"person"},
    "scope": {"name", "description"},
    "removal": {"due_at", "started_at", "ended_at", "people", "events"},
    "removing": {"person", "erasure"},
    "conflict": {"id", "person", "list", "kind", "provider", "channel", "at"},
    "attribute": {"id", "name", "type", "nested_type", "parent"},
    "blacklist": {"pk", "id", "scope", "expires", "until", "origin", "created_at"},
    "blacklist_key": {"pk", "entry", "pattern"},
    "everybody": {"kind", "channel", "origin", "number", "suppressed_at", "released_at"},
    "heard": {"person", "kind", "channel", "origin", "number", "at"},
    "_sqlite_migrations": {"id", "migration_set", "name", "applied_at"},
    "sqlite_sequence": {"name", "seq"},
}


def columns(memory: Memory) -> set[tuple[str, str]]:
    """List all columns of the schema."""
    tables = memory.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    told = ((table, memory.connection.execute(f"PRAGMA table_info({table})")) for (table,) in tables)
    return {(table, row[1]) for table, rows in told for row in rows}


def test_every_column_is_known(memory: Memory) -> None:
    """Each column is one that may name somebody, or a hash, or about nobody, and an erasure treats it so."""
    sorted_out = [(table, name) for kind in (NAMING, HASHES, ABOUT_NOBODY) for table in kind for name in kind[table]]
    assert len(sorted_out) == len(set(sorted_out))
    assert set(sorted_out) == columns(memory)


def named_everywhere(memory: Memory) -> None:
    """Name Bob in every column that may name anybody."""
    memory.learn([profile(ID, email=BOB, phone=PHONE), told("Blacklisted", ID, note=BOB)])
    memory.learn([profile("2", email=ANN), told("Completed Order", "2", to=BOB.upper())])
    memory.connection.execute("UPDATE person SET traits = ? WHERE pk = 2", (f'{{"friend":"{BOB}"}}',))
    memory.learn([Unplaced("Bounced", "provider:x", {"to": BOB}, "mail:1")])
    memory.learn([listed(BOB, name="gone"), listed(ANN, name="stays", reason=f"{BOB} asked for it")])
    memory.learn([listed(BOB, "shop", name="still")])
    asked = segments.read({"events": {"name": "Completed Order", "properties": {"to": BOB.upper()}}})
    save("for-bob", asked, NOON)(memory.connection)
    bob = replace(refused(BOB, place=f"to.{BOB}"), user=ID)
    write(memory, replace(OUTCOME, refused=(bob,), campaign=BOB))
    memory.connection.execute("INSERT INTO removing VALUES (1, 0, ?)", (f'["{ID}"]',))  # a night has begun with Bob


def cells(memory: Memory, table: str, column: str) -> str:
    """Give a column as one text."""
    return "\n".join(str(row[0]) for row in memory.connection.execute(f"SELECT {column} FROM {table}")).lower()


def test_no_column_names_the_erased_one(memory: Memory) -> None:
    """Each of those that may name somebody named them before, and none does after."""
    named_everywhere(memory)
    names = [BOB, PHONE, ID]
    (xng_id,) = memory.connection.execute("SELECT xng_id FROM person WHERE pk = 1").fetchone()
    named = [(table, column) for table, of in NAMING.items() for column in of]
    for table, column in named:
        assert any(name in cells(memory, table, column) for name in (*names, xng_id)), (table, column)
    memory.learn([Delisting("gone"), Delisting("still")])
    assert memory.erase(ID) is not None
    for table, column in columns(memory):
        assert not any(name in cells(memory, table, column) for name in (*names, xng_id)), (table, column)
    assert (memory.judge(BOB), memory.judge(PHONE)) == ("blacklisted", "blacklisted")


def test_an_entry_stays_until_it_is_removed(memory: Memory) -> None:
    """A blacklist entry of the erased one stays in the clear and is told; removed, the next erasure takes its trace."""
    memory.learn([listed(BOB, "shop", name="still"), told("Opt Out", email=BOB)])
    found = memory.erase(BOB)
    assert found is not None
    assert [entry.id for entry in found.remaining] == ["still"]
    assert memory.judge(BOB) == "blacklist_entry"
    memory.learn([Delisting("still")])
    again = memory.erase(BOB, NOON)
    assert again is not None
    assert again.remaining == ()
    for table, column in columns(memory):
        assert BOB not in cells(memory, table, column)
    assert memory.judge(BOB) == "opted_out"
