"""`sendgate blacklists import`, `remove` and `export`, beside a running gate and without one."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from proxy.api.blacklists import AT_ONCE
from proxy.blacklists import TOGETHER, _batches
from tests.conftest import OpenGate, RunningGate, Settings
from tests.shell import Shell

HEAD = "BlacklistId,Email,Phone,Scope,Reason,ExpiresAt"
A, B = "a@example.com", "b@example.com"
ENTRIES = "/api/v1.0/blacklists/"


class Lists(Shell):
    """The command line, with files of entries."""

    def file(self, text: str | bytes) -> Path:
        """Write a file."""
        path = self.settings.folder / "entries.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    async def exported(self) -> list[str]:
        """Export, and give the rows without their ids."""
        code, out, _ = await self("blacklists", "export", "-")
        assert code == 0
        head, *rows = out.splitlines()
        assert head == HEAD
        return [row.partition(",")[2] for row in rows]


@pytest.fixture
def sendgate(stored: Settings, capsys: pytest.CaptureFixture[str]) -> Lists:
    """Give the command line with a configuration and an empty store."""
    return Lists(stored, capsys)


@pytest.fixture(params=["beside a gate", "alone"])
async def anywhere(request: pytest.FixtureRequest, sendgate: Lists, open_gate: OpenGate) -> Lists:
    """Give the command line, with and without a running gate."""
    if request.param == "beside a gate":
        await open_gate()
    return sendgate


async def test_what_is_imported_is_exported(anywhere: Lists) -> None:
    """Entries go in with all that is said of them and come out the same; ids are the store's own."""
    rows = [
        f"{A},,shop,,",
        f'{A},,,"a, ""quoted"" reason",2099-01-01T00:00:00Z',
        "*@example.org,,,,",
        ",+49 151 12345678,,called us,",
    ]
    path = anywhere.file("\n".join([HEAD, *(f"some-id,{row}" for row in rows), ""]))
    assert await anywhere("blacklists", "import", path) == (0, "", "4 entries taken, 0 not\n")
    assert await anywhere.exported() == rows
    target = anywhere.settings.folder / "out.csv"
    assert await anywhere("blacklists", "export", target) == (0, "", "4 entries written\n")
    text = target.read_text()
    assert "some-id" not in text
    assert await anywhere("blacklists", "import", target) == (0, "", "4 entries taken, 0 not\n")
    assert (await anywhere("blacklists", "export", "-"))[1] == text


async def test_a_bad_row_stops_no_other(anywhere: Lists) -> None:
    """Each bad row is told with its line and the rule it breaks, and the others are taken; the exit code is 1."""
    lines = [
        "Email;Scope;ExpiresAt;Phone",
        f"{A};;;",
        "nonsense;;;",
        f"{B};Shop;;",
        f"{B};;2001-01-01T00:00:00Z;",
        f"{B};;;+4915112345678",
        ";;;0151",
        f"{B};shop",
        "*@example.org;;;",
    ]
    code, out, err = await anywhere(
        "blacklists", "import", anywhere.file("\r\n".join(["\ufeff" + lines[0], *lines[1:]]))
    )
    assert (code, out) == (1, "")
    assert sorted(err.splitlines()) == [
        "2 entries taken, 6 not",
        "line 3: Email: this is no e-mail address, and no pattern (*@domain, *.domain)",
        "line 4: Scope: a scope has no capital letters; blacklists.lenient_scopes takes capitals and hyphens",
        "line 5: ExpiresAt: this time is over, and the entry would stop nothing",
        "line 6: Phone: an entry has an Email or a Phone, not both",
        "line 7: Phone: this is no phone number with its country (+49…)",
        "line 8: 2 cells where the first line names 4 columns",
    ]
    assert await anywhere.exported() == [f"{A},,,,", "*@example.org,,,,"]


async def test_entries_are_removed(anywhere: Lists) -> None:
    """Each row removes the entry that it names, in any spelling, and that alone; one that names none is told."""
    entries = [
        f"{A},,,,",
        f"{A},,shop,,",
        f"{B},,,,",
        f"{B},,shop,,",
        "*@example.org,,,,",
        ",+4915112345678,,,",
        '"""odd""@example.com",,,,',
    ]
    listed = [HEAD, *(f",{row}" for row in entries)]
    assert (await anywhere("blacklists", "import", anywhere.file("\n".join(listed))))[0] == 0
    assert (await anywhere("blacklists", "export", "-"))[1].count("\n") == len(listed)
    lines = [
        "Email;Phone;Scope;Reason",
        "A@Example.com.;;;whatever",
        f"{B};;shop;",
        f"{B};;blog;",
        "*@EXAMPLE.org;;;",
        ";0049 151 12345678;;",
        '"""odd""@example.com";;;',
        "nonsense;;;",
        ";;shop;",
        f"{'a' * 1000}@example.com;;;",
        f"{A};;;",
    ]
    code, out, err = await anywhere("blacklists", "remove", anywhere.file("\n".join(lines)))
    assert (code, out) == (1, "")
    assert sorted(err.splitlines()) == [
        "5 entries removed, 5 not",
        "line 10: this is no entry's address or id",
        "line 11: there is no such entry",
        "line 4: there is no such entry",
        "line 8: this is no e-mail address, and no pattern (*@domain, *.domain)",
        "line 9: this names no entry: it has no BlacklistId, Email or Phone",
    ]
    assert await anywhere.exported() == [entries[1], entries[2]]


async def test_entries_are_removed_by_what_was_exported(anywhere: Lists) -> None:
    """A file that was exported removes all that it lists; an id that is another address's removes nothing."""
    entries = f"{HEAD}\n,{A},,shop,,\n,{B},,,,\n"
    assert (await anywhere("blacklists", "import", anywhere.file(entries)))[0] == 0
    exported = (await anywhere("blacklists", "export", "-"))[1]
    wrong = exported.replace(A, "c@example.com")
    code, _, err = await anywhere("blacklists", "remove", anywhere.file(wrong))
    assert (code, err) == (1, "line 2: there is no such entry\n1 entries removed, 1 not\n")
    assert await anywhere.exported() == [f"{A},,shop,,"]
    code, _, err = await anywhere("blacklists", "remove", anywhere.file(exported))
    assert (code, err) == (1, "line 3: there is no such entry\n1 entries removed, 1 not\n")
    assert await anywhere.exported() == []


async def test_many_are_removed_beside_a_gate(gate: RunningGate, sendgate: Lists) -> None:
    """What a removal took away passes at once, and what it left is refused."""
    count = TOGETHER + 3
    text = "Email\n" + "".join(f"n{number}@example.com\n" for number in range(count))
    assert (await sendgate("blacklists", "import", sendgate.file(text)))[0] == 0
    code, _, err = await sendgate("blacklists", "remove", sendgate.file(text.replace("n0@example.com\n", "")))
    assert (code, err) == (0, f"{count - 1} entries removed, 0 not\n")
    assert (await gate.mail(f"n{count - 1}@example.com")).get("X-Sendgate-Outcome") == "forwarded"
    assert (await gate.mail("n0@example.com")).get("X-Sendgate-Reasons") == "blacklist_entry"


async def test_a_file_of_other_columns_is_refused(anywhere: Lists) -> None:
    """A file whose first line names other columns is refused whole, with those that there are."""
    code, _, err = await anywhere("blacklists", "import", anywhere.file("email,blacklisted\na@example.com,true\n"))
    assert (code, HEAD.replace(",", ", ") in err) == (1, True)
    assert await anywhere.exported() == []


async def test_an_import_is_obeyed_at_once(gate: RunningGate, sendgate: Lists) -> None:
    """What an import of a running gate took is refused by that gate, though the import goes on."""
    count = AT_ONCE + 3
    text = "".join(f"n{number}@example.com\n" for number in range(count))
    code, _, err = await sendgate("blacklists", "import", sendgate.file(f"Email\n{text}"))
    assert (code, err) == (0, f"{count} entries taken, 0 not\n")
    answer = await gate.mail("n0@example.com", f"n{count - 1}@example.com")
    assert answer.get("X-Sendgate-Reasons") == "blacklist_entry"
    assert {record["origin"] for record in await gate.records()} == {"cli"}


async def test_from_standard_input(anywhere: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash stands for standard input, in the encoding that is named."""
    stream = io.TextIOWrapper(io.BytesIO("Email;Reason\nä@example.com;Ärger\n".encode("latin-1")))
    monkeypatch.setattr("sys.stdin", stream)
    assert (await anywhere("blacklists", "import", "-", "--encoding", "latin-1"))[0] == 0
    assert await anywhere.exported() == ["ä@example.com,,,Ärger,"]


async def test_a_store_is_not_made(sendgate: Lists) -> None:
    """Where there is no store an import makes none: its noes would be heard by nobody."""
    sendgate.settings.store.unlink()
    code, _, err = await sendgate("blacklists", "import", sendgate.file(f"Email\n{A}\n"))
    assert (code, "there is no store" in err) == (1, True)


async def test_the_store_is_not_written_over(sendgate: Lists) -> None:
    """An export into the store's own place is refused."""
    before = sendgate.settings.store.read_bytes()
    code, _, err = await sendgate("blacklists", "export", sendgate.settings.store)
    assert (code, "is the store itself" in err) == (1, True)
    assert sendgate.settings.store.read_bytes() == before


def test_batches() -> None:
    """No batch is larger than a request takes, by its rows or by its letters, and none is empty."""
    short = [(number, ["a"]) for number in range(2 * AT_ONCE + 1)]
    assert [len(batch) for batch in _batches(iter(short))] == [AT_ONCE, AT_ONCE, 1]
    long = [(number, ["a" * 600_000]) for number in range(3)]
    assert [len(batch) for batch in _batches(iter(long))] == [2, 1]
    assert list(_batches([])) == []
