"""The tables, as numbered steps that are only ever added to.

Each step runs in one transaction with the note that it was done. A store that has steps this program does not know was
written by a newer one and is not touched.

Who is who:

- `person` holds users, leads, phone leads and kept addresses. A kept row is the standing of an address that nobody has
  any more: it has registers and a digest, no name and no clear address; `former` is the person it belonged to.
- `address` says which keys a person has, as keyed digests, so that kept rows are found the same way as clear ones.
- `register` is the memory of what was said (policy/state.py).
- `suppressed` is derived from these three, row by row in the transaction that changes them. Judging reads nothing else
  of people.
- `blacklist` holds entries about addresses, which are nobody's; `blacklist_key` their keys as digests, like `address`,
  and in the clear where they are patterns.
- `event` is the journal: everything that was told, in a sequence without gaps. The tables above follow from it.
- `notice` knows which items of providers' webhooks were told before.
- `everybody` remembers by digest what was said of an address and everybody who has it (everybody.py).
- `attribute` holds declarations of traits, and `scope` those of scopes; they are about nobody.
- `removal` has a row for each night in which the people of blacklist entries were removed, and `removing` one for each
  person whose journal entries are veiled only later (removing.py).
- `segment` holds saved filters, which say whom they mean by what people did and not by who they are.
- `device` says whose device it is, by keyed digests of the ids that stand among the person's traits.
- `conflict` says where a provider's own list and a person's standing began to disagree (conflicts.py).
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

MIGRATIONS = Migrations("sendgate")


class NewerStore(Exception):
    """The store was written by a newer program; this one must not touch it."""


def migrate(db: Database) -> None:
    """Bring a store to this program's schema; raises NewerStore."""
    known = {step.name for step in MIGRATIONS._migrations}  # noqa: SLF001 (the library has no public list of steps)
    unknown = [step.name for step in MIGRATIONS.applied(db) if step.name not in known]
    if unknown:
        raise NewerStore(f"the store has schema steps that this version does not know: {', '.join(unknown)}")
    MIGRATIONS.apply(db)


_FIRST = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE person (
  pk INTEGER PRIMARY KEY AUTOINCREMENT,
  external_id TEXT UNIQUE,
  xng_id TEXT UNIQUE,
  email TEXT,
  email_key TEXT,
  business_unit TEXT NOT NULL DEFAULT '',
  phones TEXT NOT NULL DEFAULT '{}',
  traits TEXT NOT NULL DEFAULT '{}',
  kept INTEGER NOT NULL DEFAULT 0,
  former INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX person_email ON person (email_key, business_unit) WHERE email_key IS NOT NULL;
CREATE INDEX person_former ON person (former) WHERE former IS NOT NULL;

CREATE TABLE address (
  digest BLOB NOT NULL,
  person INTEGER NOT NULL,
  PRIMARY KEY (digest, person)
) WITHOUT ROWID;
CREATE INDEX address_person ON address (person);

CREATE TABLE register (
  person INTEGER NOT NULL,
  kind TEXT NOT NULL,
  channel TEXT NOT NULL,
  origin TEXT NOT NULL,
  number TEXT NOT NULL DEFAULT '',
  suppressed_at INTEGER NOT NULL DEFAULT 0,
  released_at INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (person, kind, channel, origin, number)
) WITHOUT ROWID;

CREATE TABLE suppressed (key_hash INTEGER PRIMARY KEY, facts TEXT NOT NULL);

CREATE TABLE event (
  sequence INTEGER PRIMARY KEY,
  arrived_at INTEGER NOT NULL,
  effective_at INTEGER NOT NULL,
  person INTEGER,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  channel TEXT NOT NULL DEFAULT '',
  origin TEXT NOT NULL DEFAULT '',
  source TEXT NOT NULL DEFAULT '',
  body TEXT NOT NULL,
  identity BLOB
);
CREATE INDEX event_person ON event (person, sequence) WHERE person IS NOT NULL;
CREATE UNIQUE INDEX event_identity ON event (identity) WHERE identity IS NOT NULL
"""

_DISPATCH_FAILED = """
CREATE TABLE dispatch_failed (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  decision TEXT NOT NULL,
  route TEXT NOT NULL,
  provider TEXT NOT NULL,
  channel TEXT,
  class TEXT,
  place TEXT,
  address TEXT,
  digest BLOB,
  user TEXT,
  business_unit TEXT,
  reason TEXT NOT NULL,
  origin TEXT,
  sender TEXT,
  campaign TEXT,
  recipients INTEGER NOT NULL,
  enforced INTEGER NOT NULL,
  sent TEXT NOT NULL,
  upstream_status INTEGER
);
CREATE INDEX dispatch_failed_digest ON dispatch_failed (digest, id) WHERE digest IS NOT NULL;
CREATE INDEX dispatch_failed_user ON dispatch_failed (user, id) WHERE user IS NOT NULL;
CREATE INDEX dispatch_failed_time ON dispatch_failed (time)
"""

_NOTICES = """
CREATE TABLE notice (identity BLOB PRIMARY KEY, sequence INTEGER NOT NULL, arrived_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX notice_arrived ON notice (arrived_at)
"""

_ATTRIBUTES = """
CREATE TABLE attribute (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  nested_type TEXT NOT NULL DEFAULT '',
  parent TEXT NOT NULL DEFAULT '',
  UNIQUE (parent, name)
)
"""

_BLACKLISTS = """
CREATE TABLE blacklist (
  pk INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  address TEXT NOT NULL,
  key TEXT NOT NULL,
  scope TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  expires TEXT NOT NULL DEFAULT '',
  until INTEGER,
  origin TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX blacklist_address ON blacklist (key, scope);

CREATE TABLE blacklist_key (
  pk INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB NOT NULL,
  entry INTEGER NOT NULL,
  pattern TEXT
);
CREATE UNIQUE INDEX blacklist_key_digest ON blacklist_key (digest, entry);
CREATE INDEX blacklist_key_entry ON blacklist_key (entry)
"""

_SEGMENTS = """
CREATE TABLE segment (
  name TEXT PRIMARY KEY,
  filter TEXT NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID
"""

_PROFILES = """
CREATE TABLE device (digest TEXT NOT NULL, person INTEGER NOT NULL, PRIMARY KEY (digest, person)) WITHOUT ROWID;
CREATE INDEX device_person ON device (person);

CREATE TABLE scope (name TEXT PRIMARY KEY, description TEXT NOT NULL) WITHOUT ROWID
"""

_TRACKING = """
CREATE INDEX event_track ON event (sequence) WHERE origin = 'track';
CREATE INDEX event_track_device ON event
  (lower(coalesce(json_extract(body, '$.properties.DeviceId'), json_extract(body, '$.raw.DeviceId'))))
  WHERE origin = 'track';
CREATE INDEX event_track_email ON event (json_extract(body, '$.emailKeys[0]')) WHERE origin = 'track';
CREATE INDEX event_track_time ON event
  (coalesce(json_extract(body, '$.properties.EventTime'), json_extract(body, '$.raw.EventTime')))
  WHERE origin = 'track'
"""

_RECORD_REQUESTS = """
ALTER TABLE dispatch_failed ADD COLUMN request TEXT;
CREATE INDEX dispatch_failed_decision ON dispatch_failed (decision, id)
"""

_EVERYBODY = """
CREATE TABLE everybody (
  digest BLOB NOT NULL,
  kind TEXT NOT NULL,
  channel TEXT NOT NULL,
  origin TEXT NOT NULL,
  number TEXT NOT NULL DEFAULT '',
  suppressed_at INTEGER NOT NULL DEFAULT 0,
  released_at INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (digest, kind, channel, origin, number)
) WITHOUT ROWID
"""

_REMOVALS = """
CREATE TABLE removal (
  due_at INTEGER PRIMARY KEY,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  people INTEGER NOT NULL DEFAULT 0,
  events INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE removing (person INTEGER PRIMARY KEY, erasure INTEGER NOT NULL, ids TEXT NOT NULL)
"""

_CONFLICTS = """
CREATE TABLE conflict (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person INTEGER NOT NULL,
  list TEXT NOT NULL,
  kind TEXT NOT NULL,
  provider TEXT NOT NULL,
  channel TEXT NOT NULL,
  digest BLOB NOT NULL,
  at INTEGER NOT NULL,
  UNIQUE (person, list, kind)
)
"""

_HEARD = """
CREATE TABLE heard (
  person INTEGER NOT NULL,
  digest BLOB NOT NULL,
  kind TEXT NOT NULL,
  channel TEXT NOT NULL,
  origin TEXT NOT NULL,
  number TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (person, digest, kind, channel, origin, number)
) WITHOUT ROWID
"""


def _step(name: str, statements: str) -> None:
    """Make a step of some statements, none of which holds a semicolon."""

    @MIGRATIONS(name=name)
    def run(db: Database) -> None:
        for statement in statements.split(";"):
            db.execute(statement)


_step("0001_people_and_journal", _FIRST)
_step("0002_dispatch_failed", _DISPATCH_FAILED)
_step("0003_notices", _NOTICES)
_step("0004_attributes", _ATTRIBUTES)
_step("0005_blacklists", _BLACKLISTS)
_step("0007_segments", _SEGMENTS)
_step("0008_removals", _REMOVALS)
_step("0009_profiles", _PROFILES)
_step("0010_tracking", _TRACKING)
_step("0011_everybody", _EVERYBODY)
_step("0012_conflicts", _CONFLICTS)
_step("0013_record_requests", _RECORD_REQUESTS)
_step("0014_heard", _HEARD)
