"""The schema's steps: each is done once, and a store of a newer program is left alone."""

from __future__ import annotations

import sqlite3

import pytest
import sqlite_utils

from policy import NewerStore
from policy.store import schema


def store() -> sqlite_utils.Database:
    """Give a database without tables."""
    return sqlite_utils.Database(sqlite3.connect(":memory:", isolation_level=None), execute_plugins=False)


def test_every_step_is_done_once() -> None:
    """Migrating makes the tables, notes each step in its order, and migrating again does nothing."""
    db = store()
    schema.migrate(db)
    done = [step.name for step in schema.MIGRATIONS.applied(db)]
    before = db.schema
    schema.migrate(db)
    assert done == sorted(done)
    assert done[0] == "0001_people_and_journal"
    assert [step.name for step in schema.MIGRATIONS.applied(db)] == done
    assert db.schema == before


def test_steps_that_are_released_never_change() -> None:
    """The first steps are named as the first release named them; new ones come after."""
    assert [step.name for step in schema.MIGRATIONS.applied(_migrated())][:2] == [
        "0001_people_and_journal",
        "0002_dispatch_failed",
    ]


def _migrated() -> sqlite_utils.Database:
    db = store()
    schema.migrate(db)
    return db


def test_a_newer_store_is_not_touched() -> None:
    """An unknown step is named in the error, and nothing changes in the store."""
    db = _migrated()
    db.execute("INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('sendgate', '9999_later')")
    before = db.schema
    with pytest.raises(NewerStore, match="9999_later"):
        schema.migrate(db)
    assert db.schema == before


def test_the_hot_table_is_looked_up_by_integer() -> None:
    """Judging finds a row of the derived table by its integer primary key and by nothing slower."""
    plan = _migrated().execute("EXPLAIN QUERY PLAN SELECT facts FROM suppressed WHERE key_hash = ?", [1]).fetchall()
    assert [row[3] for row in plan] == ["SEARCH suppressed USING INTEGER PRIMARY KEY (rowid=?)"]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("SELECT 1 FROM address WHERE digest = ?", id="who has an address"),
        pytest.param("SELECT 1 FROM address WHERE person = ?", id="whose addresses"),
        pytest.param("SELECT 1 FROM register WHERE person = ?", id="whose registers"),
        pytest.param("SELECT 1 FROM person WHERE external_id = ?", id="by id"),
        pytest.param("SELECT 1 FROM person WHERE xng_id = ?", id="by internal id"),
        pytest.param("SELECT 1 FROM person WHERE email_key = ? AND business_unit = ''", id="by e-mail"),
        pytest.param("SELECT 1 FROM person WHERE former = ?", id="what somebody gave up"),
        pytest.param("SELECT 1 FROM event WHERE identity = ?", id="a repeat"),
        pytest.param("SELECT 1 FROM event WHERE person = ?", id="somebody's events"),
        pytest.param("SELECT 1 FROM dispatch_failed WHERE digest = ?", id="an address's records"),
        pytest.param("SELECT 1 FROM dispatch_failed WHERE user = ?", id="a user's records"),
        pytest.param("SELECT 1 FROM dispatch_failed WHERE time < ?", id="old records"),
        pytest.param("SELECT 1 FROM dispatch_failed WHERE decision = ?", id="the records of a decision"),
        pytest.param("SELECT 1 FROM blacklist WHERE id = ?", id="an entry by its id"),
        pytest.param("SELECT 1 FROM blacklist WHERE key = ? AND scope = ''", id="an entry by its address"),
        pytest.param("SELECT 1 FROM blacklist_key WHERE digest = ?", id="the entries of an address"),
        pytest.param("SELECT 1 FROM blacklist_key WHERE entry = ?", id="the keys of an entry"),
        pytest.param("SELECT 1 FROM blacklist_key WHERE pk > ? ORDER BY pk", id="new entries"),
    ],
)
def test_no_question_walks_through_a_table(query: str) -> None:
    """What is asked for each event and each send is found by an index."""
    plan = _migrated().execute(f"EXPLAIN QUERY PLAN {query}", [1]).fetchall()
    assert all(row[3].startswith("SEARCH") for row in plan), plan
