"""`sendgate backup`, `journal`, `restore` and `records`, and what a gate does with old records and with a copy."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from policy.events import Claim, Subject, Told
from policy.identity import email_keys
from policy.model import Channel, Ending, Microseconds, Outcome
from policy.policy import clock
from policy.reasons import Reason
from tests.conftest import JSON, OpenGate, RunningGate, Settings, Upstream
from tests.shell import Shell

A, B, C = "a@example.com", "b@example.com", "c@example.com"
DAY = 86_400_000_000


class Copying(Shell):
    """The command line, with copies of a store."""

    @property
    def backup(self) -> Path:
        """Name the backup."""
        return self.settings.folder / "backup.db"

    async def journal(self, name: str = "journal.ndjson", *arguments: object) -> Path:
        """Write the journal to a file."""
        path = self.settings.folder / name
        given = [sys.executable, "-m", "proxy", "journal", "--config", str(self.settings.path), *map(str, arguments)]
        with path.open("wb") as file:
            process = await asyncio.create_subprocess_exec(*given, stdout=file, stderr=asyncio.subprocess.DEVNULL)
            assert await process.wait() == 0
        return path


@pytest.fixture
def sendgate(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Copying:
    """Give the command line with a configuration."""
    settings.write()
    return Copying(settings, capsys)


def old(days: int, count: int = 1) -> Outcome:
    """Make a send that was refused some days ago."""
    return Outcome(
        decision="d",
        arrived_at=Microseconds(clock() - days * DAY),
        route="mail",
        provider="sendgrid",
        ending=Ending.REFUSED,
        channel=Channel.MAIL,
        recipients=count,
        reason=Reason.UNREADABLE,
    )


# ── backup and restore ──


async def test_a_backup_beside_a_gate_under_load(gate: RunningGate, sendgate: Copying) -> None:
    """While events come in a backup is taken; it is intact, and every event up to its sequence is in it."""
    acknowledged: list[int] = []
    stop = asyncio.Event()

    async def load() -> None:
        while not stop.is_set():
            await gate.tell("Blacklisted", email=f"p{len(acknowledged)}@example.com")
            acknowledged.append(gate.app.policy.sequence)

    loading = asyncio.create_task(load())
    while not acknowledged:  # noqa: ASYNC110 (the other task goes on)
        await asyncio.sleep(0)
    code, said = await sendgate.said("backup", sendgate.backup)
    stop.set()
    await loading
    assert (code, "intact" in said) == (0, True)
    ends = int(said.rsplit(" ", 1)[1])
    connection = sqlite3.connect(sendgate.backup)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("SELECT count(*), max(sequence) FROM event").fetchone() == (ends, ends)
    connection.close()
    assert len(acknowledged) >= ends


async def lost(open_gate: OpenGate, sendgate: Copying) -> tuple[RunningGate, int]:
    """Give a gate whose backup knows that A is blacklisted and not that B is, and its last sequence number."""
    gate = await open_gate()
    await gate.user("1", email=A)
    await gate.tell("Blacklisted", id="1")
    assert (await sendgate.said("backup", sendgate.backup))[0] == 0
    await gate.tell("Blacklisted", email=B)
    await gate.user("1", email=C)
    return gate, gate.app.policy.sequence


async def held(gate: RunningGate) -> None:
    """Make sure that a gate sends to nobody and acknowledges nothing."""
    for route, answer in (("mail", await gate.mail(B)), ("text", await gate.text("+4915112345678"))):
        assert (answer.status, answer.get("Retry-After"), answer.get("X-Sendgate-Reasons")) == (
            503,
            "5",
            "store_unavailable",
        )
        assert ("errors" in answer.json) == (route == "mail")
    event = {"event": "Blacklisted"}
    told = [
        await gate.api("POST", "/events", {"email": B, "events": [event]}),
        await gate.api("PUT", "/users/1", {"email": B}),
        await gate.api("PUT", "/users/1/blacklist-status", {"blacklisted": True}),
        await gate.api("POST", "/users/batch", {"updated": [{"id": "1"}]}),
        await gate.api("POST", "/import", {"rows": []}),
        await gate.api("DELETE", "/users/1"),
    ]
    assert {(answer.status, answer.body) for answer in told} == {(503, b"")}
    ready = await gate.api("GET", "/health/ready", door="ops")
    assert (ready.status, ready.json["store"]) == (503, "held")
    assert (await gate.api("GET", "/health/live", door="ops")).status == 200


async def put_by_hand(sendgate: Copying) -> None:
    """Put the backup into the store's place without asking anybody."""
    for path in sendgate.settings.store.parent.iterdir():
        path.unlink()
    shutil.copyfile(sendgate.backup, sendgate.settings.store)


@pytest.mark.parametrize("how", ["restore", "cp"])
async def test_a_copy_sends_to_nobody(open_gate: OpenGate, sendgate: Copying, upstream: Upstream, how: str) -> None:
    """However a backup came into place, the gate is not ready and refuses every send and event until it is released."""
    gate, _ = await lost(open_gate, sendgate)
    await gate.app.stop()
    if how == "cp":
        await put_by_hand(sendgate)
    else:
        code, said = await sendgate.said("restore", sendgate.backup)
        assert (code, "stays out of use" in said, "sequence 2" in said) == (1, True, True)
    again = await open_gate()
    before = len(upstream.heard)
    await held(again)
    assert len(upstream.heard) == before


async def test_the_journal_takes_a_copy_into_use(open_gate: OpenGate, sendgate: Copying) -> None:
    """Told the journal up to the stated sequence a copy goes on where the lost store ended, and knows every no."""
    gate, last = await lost(open_gate, sendgate)
    await gate.app.stop()
    journal = await sendgate.journal()
    code, said = await sendgate.said("restore", sendgate.backup, "--journal", journal, "--until", last)
    assert (code, f"in use, up to journal sequence {last}" in said) == (0, True)
    again = await open_gate()
    assert [(await again.mail(address)).status for address in (A, B, C)] == [400, 400, 400]
    assert (await again.api("GET", "/health/ready", door="ops")).status == 200
    await again.tell("Blacklisted", email="d@example.com")
    assert again.app.policy.sequence == last + 1


async def test_a_journal_in_parts(open_gate: OpenGate, sendgate: Copying) -> None:
    """A copy that was put into place earlier takes the journal part by part, and is in use when all of it is there."""
    gate, last = await lost(open_gate, sendgate)
    await gate.app.stop()
    whole = (await sendgate.journal()).read_bytes().splitlines(keepends=True)
    parts = [sendgate.settings.folder / name for name in ("one", "two")]
    parts[0].write_bytes(b"".join(whole[:-1]))
    parts[1].write_bytes(whole[-1])
    assert (await sendgate.said("restore", sendgate.backup))[0] == 1
    assert (await sendgate.said("restore", "--journal", parts[0], "--until", last))[0] == 1
    assert (await sendgate.said("restore", "--until", last - 1))[0] == 0
    again = await open_gate()
    assert (await again.mail(B)).status == 400


async def test_a_journal_that_ends_too_early(open_gate: OpenGate, sendgate: Copying) -> None:
    """Where the journal does not reach the stated sequence, the copy stays out of use."""
    gate, last = await lost(open_gate, sendgate)
    await gate.app.stop()
    journal = await sendgate.journal()
    code, said = await sendgate.said("restore", sendgate.backup, "--journal", journal, "--until", last + 1)
    assert (code, f"ends at journal sequence {last} and stays out of use" in said) == (1, True)
    await held(await open_gate())


async def test_no_journal_without_a_stated_end(open_gate: OpenGate, sendgate: Copying) -> None:
    """A journal alone does not say how far it should have reached, so the copy stays out of use."""
    gate, _ = await lost(open_gate, sendgate)
    await gate.app.stop()
    assert (await sendgate.said("restore", sendgate.backup, "--journal", await sendgate.journal()))[0] == 1
    await held(await open_gate())


async def test_loss_may_be_accepted(open_gate: OpenGate, sendgate: Copying) -> None:
    """With --accept-loss a copy is in use as it is; what was in place before is still there, under another name."""
    gate, _ = await lost(open_gate, sendgate)
    await gate.app.stop()
    assert (await sendgate.said("restore", sendgate.backup, "--accept-loss"))[0] == 0
    again = await open_gate()
    assert [(await again.mail(address)).status for address in (A, B)] == [400, 202]
    (aside,) = sendgate.settings.store.parent.glob("sendgate.db.replaced-*Z")
    connection = sqlite3.connect(aside)
    assert connection.execute("SELECT count(*) FROM event WHERE body LIKE '%b@example.com%'").fetchone() == (1,)
    connection.close()


async def test_a_wrong_journal(open_gate: OpenGate, sendgate: Copying, tmp_path: Path) -> None:
    """Another gate's journal, one with a gap and one cut short are refused, and the copy is as it was."""
    gate, last = await lost(open_gate, sendgate)
    await gate.app.stop()
    lines = (await sendgate.journal()).read_bytes().splitlines(keepends=True)
    other = [json.dumps({**json.loads(line), "store": "0" * 32}).encode() + b"\n" for line in lines]
    wrong = {"another store's": b"".join(other), "not next": b"".join(lines[3:]), "cut short": b"".join(lines)[:-9]}
    assert (await sendgate.said("restore", sendgate.backup))[0] == 1
    for reason, content in wrong.items():
        (tmp_path / "wrong").write_bytes(content)
        code, said = await sendgate.said("restore", "--journal", tmp_path / "wrong", "--until", last)
        assert (code, reason in said) == (1, True), said
    await held(await open_gate())


NO_BACKUPS = [
    pytest.param(b"", "this file is no store", 1, id="an empty file"),
    pytest.param(b"x" * 5000, "this file is no store", 1, id="no store"),
    pytest.param(None, "No such file", 2, id="no file"),
]


@pytest.mark.parametrize(("content", "says", "code"), NO_BACKUPS)
async def test_what_is_no_backup(
    open_gate: OpenGate, sendgate: Copying, content: bytes | None, says: str, code: int
) -> None:
    """What is no backup is refused, and the store in place is as it was."""
    gate, _ = await lost(open_gate, sendgate)
    await gate.app.stop()
    path = sendgate.settings.folder / "x.db"
    if content is not None:
        path.write_bytes(content)
    got, said = await sendgate.said("restore", path, "--accept-loss")
    assert (got, says in said) == (code, True)
    assert (await (await open_gate()).mail(B)).status == 400


async def test_a_running_gate_is_not_restored(open_gate: OpenGate, sendgate: Copying) -> None:
    """While the gate runs nothing is put into its store's place; a store that is no copy needs no restoring."""
    gate, _ = await lost(open_gate, sendgate)
    code, said = await sendgate.said("restore", sendgate.backup, "--accept-loss")
    assert (code, "another process" in said) == (1, True)
    assert (await gate.mail(B)).status == 400
    await gate.app.stop()
    code, said = await sendgate.said("restore", "--accept-loss")
    assert (code, "this store is no copy" in said) == (1, True)


async def test_a_backup_takes_no_stores_place(gate: RunningGate, sendgate: Copying) -> None:
    """A backup into the store's own file is refused, and the gate goes on."""
    code, said = await sendgate.said("backup", sendgate.settings.store)
    assert (code, "is the store itself" in said) == (1, True)
    await gate.tell("Blacklisted", email=A)


async def test_a_backup_of_a_copy_is_one(open_gate: OpenGate, sendgate: Copying) -> None:
    """A backup of a store that is out of use is out of use as well, and ends where the first one ended."""
    gate, _ = await lost(open_gate, sendgate)
    await gate.app.stop()
    await sendgate.said("restore", sendgate.backup)
    code, said = await sendgate.said("backup", sendgate.settings.folder / "second.db")
    assert (code, said.rsplit(" ", 1)[1]) == (0, "2\n")
    assert (await sendgate.said("restore", sendgate.settings.folder / "second.db"))[0] == 1


async def test_a_passing_route_of_a_copy(open_gate: OpenGate, sendgate: Copying) -> None:
    """A route that passes sends without a store passes with a copy whom that does not know, and nobody whom it does."""
    gate, _ = await lost(open_gate, sendgate)
    await gate.app.stop()
    await put_by_hand(sendgate)
    again = await open_gate(policy={"on_store_error": "pass"})
    assert (await again.mail(B)).status == 202
    assert (await again.mail(A)).status == 400
    ready = await again.api("GET", "/health/ready", door="ops")
    assert (ready.json["status"], ready.json["store"]) == ("degraded", "held")


# ── what is old ──


async def test_a_gate_forgets_old_records(open_gate: OpenGate) -> None:
    """A running gate removes records that are older than it is told to keep them, at once when it is told anew."""
    gate = await open_gate(records={"keep": "10d"})
    for days in (3, 2, 1):
        await gate.app.policy.record(old(days))
    assert len(await gate.records()) == 3
    settings = Settings(gate.app.path.parent, "sandbox")
    settings.write(records={"keep": "36h"})
    while len(await gate.records()) > 1:
        pass  # each look is a request of its own
    settings.write(records={"keep": "36h", "max_rows": 1})
    await gate.app.policy.record(old(0))
    while len(await gate.records()) > 1:
        pass
    (record,) = await gate.records()
    assert record["id"] == "4"


async def test_a_gate_forgets_at_its_start(open_gate: OpenGate) -> None:
    """Many records that are too old are gone soon after a start, events as well, and everybody stands as before."""
    gate = await open_gate()
    await gate.user("1", email=A)
    await gate.tell("Blacklisted", id="1")
    for _ in range(3):
        await asyncio.gather(*(gate.app.policy.record(old(100)) for _ in range(500)))
    await gate.app.stop()
    again = await open_gate(records={"keep": "1d"})
    while await again.records():
        pass  # each look is a request of its own
    settings = Settings(gate.app.path.parent, "sandbox")
    await asyncio.sleep(1.1)  # until the events are older than they are kept
    settings.write(events={"keep": "1s"})
    while (await again.app.policy.sizes())["events"]:
        pass
    assert (await again.mail(A)).status == 400
    await again.tell("Blacklisted", email=B)
    assert again.app.policy.sequence == 3


# ── records ──


async def test_conflicts_are_shown_and_settled(gate: RunningGate, sendgate: Copying) -> None:
    """A table of whom a provider's list and the standing disagree about, until somebody says that it is settled."""
    assert "agree" in (await sendgate.said("conflicts"))[1]
    await gate.user("1", email=A)
    claim = Claim("mail:news", Channel.MAIL, suppresses=True)
    subject = Subject(email=A, email_keys=email_keys(A), everybody=True)
    item = Told(subject, "Unsubscribe", None, "provider:sendgrid", notice="1", claim=claim)
    await gate.app.policy.learn([item])
    code, said = await sendgate.said("conflicts")
    line = said.splitlines()[-1].split()
    assert (code, line[0], line[2:]) == (0, "1", ["not_taken_over", "sendgrid", "mail", "news", "MAIL", "1", A])
    assert "conflict with sendgrid (mail): not_taken_over" in (await sendgate.said("status", A))[1]
    assert (await sendgate.said("conflicts", "--settle", "1"))[0] == 0
    code, said = await sendgate.said("conflicts", "--settle", "1")
    assert (code, "there is no conflict 1" in said) == (1, True)
    assert "agree" in (await sendgate.said("conflicts"))[1]


async def test_records_are_shown(gate: RunningGate, sendgate: Copying) -> None:
    """A table tells what was not sent, the newest first, as many as asked, and narrowed as asked."""
    await gate.tell("Blacklisted", email=A)
    await gate.tell("Opt Out", "MAIL", email=B)
    for address in (A, B, A):
        await gate.mail(address, headers=[("X-Sendgate-Campaign", "autumn")])
    code, said = await sendgate.said("records")
    assert (code, said.split()[:3]) == (0, ["id", "time", "route"])
    lines = [line.split() for line in said.splitlines()[-3:]]
    assert [(line[0], line[4], line[5]) for line in lines] == [
        ("3", A, "blacklisted"),
        ("2", B, "opted_out_channel"),
        ("1", A, "blacklisted"),
    ]
    assert all(line[-1] == "autumn" for line in lines)
    assert [line.split()[0] for line in (await sendgate.said("records", "--limit", "1"))[1].splitlines()[1:]] == ["3"]
    turned = (await sendgate.said("records", "--limit", "2", "--oldest-first"))[1].splitlines()[1:]
    assert [line.split()[0] for line in turned] == ["2", "3"]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        pytest.param(["--reason", "blacklisted"], ["1"], id="reason"),
        pytest.param(["--address", B], ["2"], id="address"),
        pytest.param(["--address", B.upper()], ["2"], id="address in any spelling"),
        pytest.param(["--route", "nowhere"], [], id="route"),
        pytest.param(["--campaign", "autumn"], ["2"], id="campaign"),
        pytest.param(["--user", "1"], ["1"], id="user"),
        pytest.param(["--channel", "mail", "--sender", ""], ["2", "1"], id="channel and sender"),
        pytest.param(["--since", "2099-01-01T00:00:00Z"], [], id="since"),
        pytest.param(["--until", "2099-01-01T00:00:00Z"], ["2", "1"], id="until"),
    ],
)
async def test_records_are_narrowed(gate: RunningGate, sendgate: Copying, options: list[str], ids: list[str]) -> None:
    """Every filter of the API is an option of the command."""
    await gate.user("1", email=A)
    await gate.tell("Blacklisted", id="1")
    await gate.tell("Opt Out", email=B)
    await gate.mail(A)
    await gate.mail(B, headers=[("X-Sendgate-Campaign", "autumn")])
    code, said = await sendgate.said("records", *options)
    assert (code, [line.split()[0] for line in said.splitlines()[1:]]) == (0, ids)


async def test_a_refused_request_is_found_by_its_decision(gate: RunningGate, sendgate: Copying) -> None:
    """The id that an answer names leads to what was asked for, in a form that names nobody."""
    await gate.post("/mail/v3/teammates", b"{}", JSON)
    asked = await gate.post("/mail/v3/marketing/contacts/ada%40example.com/lists", b"{}", JSON)
    decision = str(asked.get("X-Sendgate-Decision"))
    code, said = await sendgate.said("records", "--decision", decision)
    (line,) = said.splitlines()[1:]
    assert (code, line.split()[-3:]) == (0, ["hidden_recipients", "POST", "/v3/marketing/contacts/*/lists"])
    (record,) = await gate.records(decision=decision)
    assert record["request"] == "POST /v3/marketing/contacts/*/lists"


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--reason", "nonsense", "--reason is not understood: one of README's table"),
        ("--since", "yesterday", "--since is not understood: a time with its zone"),
        ("--channel", "fax", "--channel is not understood: MAIL, SMS or"),
        ("--limit", "0", "limit"),
    ],
)
async def test_a_wrong_filter_is_told(gate: RunningGate, sendgate: Copying, option: str, value: str, says: str) -> None:
    """A filter that is none is told by its name, with what may stand there, and not ignored."""
    assert gate.addresses
    code, said = await sendgate.said("records", option, value)
    assert (code, says in said) == (1, True)


async def test_records_without_a_gate(open_gate: OpenGate, sendgate: Copying) -> None:
    """Records are shown without a gate too; following them needs one."""
    gate = await open_gate(policy={"allow_only": ["nobody@example.com"]})
    await gate.mail(A)
    await gate.app.stop()
    code, said = await sendgate.said("records")
    assert (code, said.splitlines()[1].split()[0]) == (0, "1")
    code, said = await sendgate.said("records", "--follow")
    assert (code, "no answer on the store's socket" in said) == (1, True)


async def test_what_a_sender_wrote_is_shown_as_it_is(gate: RunningGate, sendgate: Copying) -> None:
    """Brackets are no markup in the table, and nothing moves the terminal's cursor."""
    await gate.tell("Blacklisted", email=A)
    await gate.mail(A, headers=[("X-Sendgate-Campaign", "[/bold] [red]x")])
    await gate.mail("\x1b[2J\u202ex")
    code, said = await sendgate.said("records")
    assert (code, "[/bold] [red]x" in said) == (0, True)
    assert not {"\x1b", "\u202e"} & set(said)


async def test_records_are_followed(open_gate: OpenGate, sendgate: Copying) -> None:
    """With --follow every record is shown as it comes, once, however many come at a time; Ctrl-C ends it."""
    gate = await open_gate(policy={"allow_only": ["nobody@example.com"]})
    await gate.mail("first@example.com")
    given = [sys.executable, "-m", "proxy", "records", "--follow", "--config", str(sendgate.settings.path)]
    process = await asyncio.create_subprocess_exec(
        *given, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    ids: list[int] = []
    while b"first@" not in (await process.stdout.readline()):
        pass
    count = 2300
    for start in range(0, count, 100):
        people = [{"to": [{"email": f"p{n}@example.com"}]} for n in range(start, start + 100)]
        await gate.mail(personalizations=people)
    while len(ids) < count:
        ids.append(int((await process.stdout.readline()).split()[0]))
    assert ids == list(range(2, count + 2))
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 130
    assert await process.stderr.read() == b""
