"""`sendgate person`, `erase` and `rebuild`, and that of somebody who was erased nothing is found anywhere."""

from __future__ import annotations

import base64
import json
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.conftest import Message, OpenGate, RunningGate, Serve, Served, Settings, Words
from tests.shell import Shell

KEY = ec.derive_private_key(0x5EED, ec.SECP256R1())
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
ENTRIES = "/api/v1.0/blacklists/"
BOB, ID = "bob.miller@example.com", "customer-4711"
ANN = "ann@example.com"
PHONE, SPACED = "+4915112345678", "+49 151 1234 5678"
# As it was told in one place or another; the number's digits stand in each of its spellings.
SPELLINGS = [BOB, quote(BOB, safe=""), "bob.miller", ID, PHONE.removeprefix("+49"), SPACED.removeprefix("+49")]


@pytest.fixture
def sendgate(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Give the command line with a configuration."""
    settings.write()
    return Shell(settings, capsys)


def report_in(out: str) -> dict[str, Any]:
    """Read what `erase` printed; a gate in the test's own process writes its log before it to the same stream."""
    report: dict[str, Any] = json.loads(out[out.index("{\n") :])
    return report


# ── nothing is found ──


async def webhook(gate: Words, *events: Any) -> Message:
    """Tell events as SendGrid does."""
    body, at = orjson.dumps(events), str(int(time.time()))
    signature = base64.b64encode(KEY.sign(at.encode() + body, ec.ECDSA(SHA256()))).decode()
    headers = [
        ("X-Twilio-Email-Event-Webhook-Signature", signature),
        ("X-Twilio-Email-Event-Webhook-Timestamp", at),
        ("Content-Type", "application/json"),
    ]
    return await gate.post("/webhooks/mail", body, *headers, door="public")


async def known_in_every_way(gate: Words, sendgate: Shell) -> str:
    """Make Bob known in every way there is, blacklisted at last; gives the id of his blacklist entry."""
    await gate.api("POST", "/users/attributes", {"name": "friend", "type": "STRING"})
    await gate.user(ID, email=BOB.upper(), businessUnit="DE", phone=SPACED, friend=f"<{BOB}>", note=[SPACED, ID])
    await gate.user("1", email=ANN, friend=f"see https://example.com/?with={quote(BOB, safe='')}.")
    about = {"event": "Completed Order", "properties": {"items": [{"gift for": BOB.title()}]}}
    assert (await gate.api("POST", "/events", {"email": ANN, "events": [about]})).status == 202
    assert (await gate.api("POST", "/events", {"id": ID, "events": [about]})).status == 202
    await gate.tell("Opt Out", email=BOB, businessUnit="US")
    await gate.tell("Opt Out", phone=PHONE)
    assert (await gate.api("POST", "/leads/", {"updated": [{"email": BOB, "phone": SPACED}]})).status == 200
    at = int(time.time()) - 60
    event = {"email": BOB, "event": "unsubscribe", "timestamp": at, "sg_event_id": f"{BOB} {at}"}
    assert (await webhook(gate, event, {**event, "email": f"no address of {BOB}", "sg_event_id": "2"})).status == 200
    rows = sendgate.settings.folder / "rows.csv"
    rows.write_text(f"id,email,businessUnit,blacklisted\n,{BOB},FR,true\n")
    code, *said = await sendgate("import", rows)
    assert code == 0, said
    rows.unlink()
    entry = await gate.api("POST", ENTRIES, {"Email": BOB, "Reason": f"{BOB} asked for it"})
    await gate.api("POST", ENTRIES, {"Email": "*@nobody.example", "Reason": f"{BOB} asked for it"})
    await gate.tell("Blacklisted", id=ID)
    refusals = [await gate.mail(BOB.upper(), headers=[("X-Sendgate-Campaign", f"for {BOB}")]), await gate.text(SPACED)]
    refusals.append(await gate.mail(ANN, BOB, route="sandbox", subject=f"Dear {BOB}"))
    assert [each.get("X-Sendgate-Refused") for each in refusals] == ["1", "1", "1"]
    return str(entry.json["BlacklistId"])


def traces(folder: Path) -> list[tuple[str, str]]:
    """Find spellings of Bob in all files under a folder: the store, its log and whatever lies beside."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [
        (path.name, spelling)
        for path in files
        for spelling in SPELLINGS
        if spelling.lower().encode() in path.read_bytes().lower()
    ]


def traces_in(text: str) -> list[str]:
    """Find spellings of Bob in a text."""
    return [spelling for spelling in SPELLINGS if spelling.lower() in text.lower()]


async def written(settings: Settings, sendgate: Shell) -> None:
    """Write whatever the gate writes of people: a backup, the journal and an export."""
    for command in ("backup", "export"):
        assert (await sendgate(command, settings.folder / f"after.{command}"))[0] == 0
    code, journal, _ = await sendgate("journal")
    assert code == 0
    (settings.folder / "after.ndjson").write_text(journal)


async def test_of_an_erased_person_nothing_is_found(serve: Serve, settings: Settings, sendgate: Shell) -> None:
    """After an erasure no file, log, metric, backup, journal or export holds any spelling, and the no is in force."""
    mail = {"upstream": "sandbox", "webhook": {"key": PUBLIC}}
    gate = await serve(events={"accept": ["Completed Order"]}, routes={"mail": mail, "text": {"upstream": "sandbox"}})
    assert (await sendgate("backup", settings.folder / "before.db"))[0] == 0
    entry = await known_in_every_way(gate, sendgate)
    assert traces(settings.store.parent)
    assert (await gate.api("DELETE", f"{ENTRIES}{entry}")).status == 200
    code, report, _ = await sendgate("erase", "--yes", BOB)
    assert (code, json.loads(report)["blacklistEntries"], traces_in(report)) == (0, [], [])
    await written(settings, sendgate)
    assert traces(settings.folder) == []
    pages = [
        await gate.api("GET", path, door=door) for path, door in (("/metrics", "ops"), ("/dispatch-failed", "api"))
    ]
    pages += [await gate.api("GET", "/sandbox/messages"), await gate.api("GET", "/users/1/events")]
    assert [traces_in(page.body.decode()) for page in pages] == [[], [], [], []]
    await still_refused(gate, sendgate)
    assert traces_in(json.dumps(gate.log)) == []
    await told_again(gate, settings, sendgate)


async def still_refused(gate: Served, sendgate: Shell) -> None:
    """Make sure that the no is in force for every address of Bob, and that the command line says so."""
    for answer in (await gate.mail(BOB), await gate.text(PHONE)):
        assert answer.get("X-Sendgate-Reasons") == "blacklisted"
    for address in (BOB, SPACED):
        code, said, _ = await sendgate("status", address)
        assert (code, "blacklisted" in said) == (0, True)
    code, _, said = await sendgate("erase", "--yes", ID)
    assert (code, "nothing is held" in said) == (1, True)


async def told_again(gate: Served, settings: Settings, sendgate: Shell) -> None:
    """Make sure that a backup from before and the journal since come to the same standing, and to no name."""
    gate.process.terminate()
    await gate.end()
    code, *said = await sendgate(
        "restore", settings.folder / "before.db", "--journal", settings.folder / "after.ndjson", "--accept-loss"
    )
    assert (code, traces(settings.folder)) == (0, []), said
    assert "blacklisted" in (await sendgate("status", BOB))[1]


async def test_an_entry_of_a_blacklist_stays(gate: RunningGate, settings: Settings, sendgate: Shell) -> None:
    """The report names the entries that stay in the clear, and after they are removed a second erasure takes them."""
    await gate.tell("Blacklisted", email=BOB)
    entry = (await gate.api("POST", ENTRIES, {"Email": BOB})).json["BlacklistId"]
    report = (await gate.api("POST", "/erasures", {"whom": BOB})).json
    assert (report["blacklistEntries"], any(ENTRIES in note for note in report["notes"])) == ([entry], True)
    assert (await gate.mail(BOB)).get("X-Sendgate-Reasons") == "blacklisted"
    assert traces(settings.store.parent)
    assert (await gate.api("DELETE", f"{ENTRIES}{entry}")).status == 200
    code, said, _ = await sendgate("erase", "--yes", BOB)
    assert (code, report_in(said)["blacklistEntries"], traces(settings.store.parent)) == (0, [], [])


# ── the commands ──


@pytest.fixture(params=["beside a gate", "alone"])
async def anywhere(request: pytest.FixtureRequest, sendgate: Shell, open_gate: OpenGate) -> Shell:
    """Give the command line over a store that knows Bob, with and without a running gate."""
    gate = await open_gate()
    await gate.user(ID, email=BOB, phone=PHONE)
    await gate.tell("Opt Out", id=ID)
    await gate.mail(BOB)
    if request.param == "alone":
        await gate.app.stop()
    return sendgate


async def test_what_is_held(anywhere: Shell) -> None:
    """`person` prints profile, standing, journal entries and records as JSON, by any name, and 1 for a stranger."""
    prints = {whom: await anywhere("person", whom) for whom in (ID, BOB.upper(), SPACED)}
    (held,) = {json.dumps(json.loads(out)) for _, out, _ in prints.values()}
    (person,) = json.loads(held)["people"]
    assert (person["id"], person["email"], person["phones"]) == (ID, BOB, {"phone": PHONE})
    assert [register["kind"] for register in person["registers"]] == ["opt_out"]
    assert [record["reason"] for record in json.loads(held)["dispatchFailed"]] == ["opted_out"]
    assert [event["event"] for event in json.loads(held)["events"]] == ["User Updated", "Opt Out"]
    assert (json.loads(held)["kept"], json.loads(held)["remembered"], json.loads(held)["blacklist"]) == ([], [], [])
    assert (await anywhere("person", "nobody"))[0] == 1


async def test_what_everybody_said_is_held(open_gate: OpenGate, sendgate: Shell) -> None:
    """What a webhook said of everybody who has an address stands in what is held, and goes on after an erasure."""
    gate = await open_gate(routes={"mail": {"webhook": {"key": PUBLIC}}})
    event = {"email": BOB, "event": "unsubscribe", "timestamp": int(time.time()) - 60, "sg_event_id": "1"}
    assert (await webhook(gate, event)).status == 200
    _, held, _ = await sendgate("person", BOB)
    (said,) = json.loads(held)["remembered"]
    assert [register["kind"] for register in said["registers"]] == ["opt_out"]
    assert (await sendgate("erase", "--yes", BOB))[0] == 0
    await gate.user("2", email=BOB, businessUnit="US")
    assert (await gate.mail(BOB)).get("X-Sendgate-Reasons") == "opted_out_channel"


async def test_erasing_twice(anywhere: Shell) -> None:
    """`erase` prints a report that names nobody; a second time there is nobody, and the exit code is 1."""
    code, out, _ = await anywhere("erase", "--yes", ID)
    report = report_in(out)
    assert (code, traces_in(out)) == (0, [])
    assert report["rows"] == {"person": 1, "address": 2, "register": 1, "event": 2, "dispatch_failed": 1}
    assert (report["people"], report["keptHashes"], report["logEmptied"], report["leftInFile"]) == (1, 2, True, 0)
    assert (await anywhere("erase", "--yes", ID))[0] == 1
    assert "opted out" in (await anywhere("status", BOB))[1]


async def test_nobody_is_erased_by_mistake(anywhere: Shell) -> None:
    """Without a terminal to ask at, nobody is erased unless it is said that it is meant."""
    code, _, said = await anywhere("erase", ID)
    assert (code, "--yes" in said) == (2, True)
    assert (await anywhere("person", ID))[0] == 0


async def test_a_file_is_written_anew(anywhere: Shell) -> None:
    """`rebuild` leaves no free page in the file and loses nothing."""
    code, _, said = await anywhere("rebuild")
    assert (code, "anew" in said) == (0, True)
    connection = sqlite3.connect(anywhere.settings.store)
    assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)
    connection.close()
    assert (await anywhere("person", ID))[0] == 0
