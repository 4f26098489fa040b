"""What the commands do and say, beside a running gate and without one."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from policy.model import Channel
from proxy.links import Link, Links
from tests.conftest import JSON, OpenGate, RunningGate, Settings
from tests.shell import Shell

A = "a@example.com"
PHONE = "+4915112345678"
LINK_KEY = "k" * 32
LINKS = {"unsubscribe": {"keys": [LINK_KEY]}}


@pytest.fixture
def sendgate(stored: Settings, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Give the command line with a configuration and an empty store."""
    return Shell(stored, capsys)


@pytest.fixture(params=["beside a gate", "alone"])
async def anywhere(request: pytest.FixtureRequest, sendgate: Shell, open_gate: OpenGate) -> Shell:
    """Give the command line, with and without a running gate."""
    if request.param == "beside a gate":
        await open_gate()
    return sendgate


# ── check ──


async def test_check_says_what_is_fine(sendgate: Shell) -> None:
    """A configuration that can be used is ok, and what deserves a look is told."""
    code, said = await sendgate.said("check")
    assert (code, "ok, 4 routes" in said, "warning: store.pepper" in said) == (0, True, True)


async def test_check_tells_all_faults(sendgate: Shell, settings: Settings) -> None:
    """Every fault is told at once, with its line and key path, and no value; the exit code is 2."""
    settings.write(policy={"mode": "s3cret"}, unheard=1, routes={"mail": {"provider": "sendgird"}})
    code, said = await sendgate.said("check")
    assert code == 2
    for path in ("policy.mode", "unheard", "routes.mail.provider"):
        assert [line for line in said.splitlines() if "line " in line and path in line], path
    assert ("did you mean sendgrid" in said, "s3cret" in said) == (True, False)


async def test_check_without_a_file(sendgate: Shell, settings: Settings) -> None:
    """A file that is not there is a fault of usage, and is named."""
    settings.path.unlink()
    code, said = await sendgate.said("check")
    assert (code, f"cannot open {settings.path}" in said) == (2, True)


async def test_check_opens_nothing(sendgate: Shell, settings: Settings) -> None:
    """Checking a configuration makes no store."""
    shutil.rmtree(settings.store.parent)
    await sendgate.said("check")
    assert not settings.store.exists()


# ── status, blacklist, whitelist ──


async def test_the_life_of_an_address(anywhere: Shell) -> None:
    """Unknown, blacklisted, released: each is said in words, with who said so."""
    code, said = await anywhere.said("status", A)
    assert (code, "nobody in the store has this address" in said) == (0, True)
    code, said = await anywhere.said("blacklist", A)
    assert (code, "nothing at all is sent" in said, "cli" in said, "lead" in said) == (0, True, True, True)
    code, said = await anywhere.said("status", "A@EXAMPLE.com.")
    assert (code, "nothing at all is sent" in said) == (0, True)
    code, said = await anywhere.said("whitelist", A)
    assert (code, "nothing is kept from this address" in said) == (0, True)


async def test_a_number(anywhere: Shell) -> None:
    """A phone number is blacklisted and released like an e-mail address, in any spelling."""
    assert (await anywhere.said("blacklist", "+49 151 12345678"))[0] == 0
    assert "nothing at all is sent" in (await anywhere.said("status", PHONE))[1]
    assert (await anywhere.said("whitelist", "0049 (0)151-12345678"))[0] == 0
    assert "nothing is kept" in (await anywhere.said("status", PHONE))[1]


# ── link ──


@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        pytest.param(["Ada@Example.com"], Link("ada@example.com", Channel.MAIL), id="an address"),
        pytest.param([PHONE], Link(PHONE, Channel.SMS), id="a number"),
        pytest.param(
            ["+49 151 12345678", "--channel", "INSTANT_MESSAGING"],
            Link(PHONE, Channel.INSTANT_MESSAGING),
            id="WhatsApp",
        ),
        pytest.param(
            [A, "--channel", "MAIL", "--campaign", "autumn", "--business-unit", "DE"],
            Link(A, Channel.MAIL, "DE", "autumn"),
            id="everything",
        ),
    ],
)
async def test_a_link_is_made_by_hand(sendgate: Shell, settings: Settings, arguments: list[str], about: Link) -> None:
    """A link stands alone on its line, leads to the public door, and is about whom it was made for."""
    settings.write(unsubscribe={"keys": [LINK_KEY]}, public_url="https://u.example.com")
    code, said = await sendgate.said("link", *arguments)
    start, token = said.rstrip("\n").split("/u/")
    assert (code, start) == (0, "https://u.example.com")
    assert Links([LINK_KEY]).read(token) == about


@pytest.mark.parametrize(
    ("changes", "arguments", "says"),
    [
        pytest.param({"public_url": "https://u.example.com"}, [A], "needs unsubscribe.keys", id="no key"),
        pytest.param({"unsubscribe": {"keys": ["k" * 32]}}, [A], "and public_url", id="no address of the door"),
        *(
            pytest.param({**LINKS, "public_url": "https://u.example.com"}, arguments, says, id=name)
            for name, arguments, says in [
                ("no address", ["nobody"], "no e-mail address, and no phone number"),
                ("a number without its country", ["0151 12345678"], "no phone number with its country"),
                ("an address for text messages", [A, "--channel", "SMS"], "of SMS is for a phone number"),
                ("a number for e-mail", [PHONE, "--channel", "MAIL"], "of MAIL is for an e-mail address"),
            ]
        ),
        pytest.param(
            {**LINKS, "public_url": "https://u.example.com"},
            [A, "--business-unit", "D" * 9999],
            "no link",
            id="endless",
        ),
    ],
)
async def test_a_link_that_cannot_be_made(
    sendgate: Shell, settings: Settings, changes: dict[str, Any], arguments: list[str], says: str
) -> None:
    """What is missing, or does not go together, is told, without the address."""
    settings.write(**changes)
    code, said = await sendgate.said("link", *arguments)
    assert (code, says in said, arguments[0] in said) == (1, True, False)


async def test_a_link_of_a_channel_that_there_is_not(
    sendgate: Shell, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """The channels that there are stand in the fault as they are written."""
    settings.write(**LINKS, public_url="https://u.example.com")
    with pytest.raises(SystemExit):
        await sendgate.said("link", A, "--channel", "FAX")
    assert "(choose from 'MAIL', 'SMS', 'INSTANT_MESSAGING')" in capsys.readouterr().err


# ── addresses that are none ──


@pytest.mark.parametrize("address", ["nobody", "0151 12345678", "a@b@c", ""])
async def test_what_is_no_address(sendgate: Shell, address: str) -> None:
    """What cannot be looked up is said to be no address, and nothing is written."""
    for command in ("status", "blacklist", "whitelist"):
        code, said = await sendgate.said(command, address)
        assert (code, "no e-mail address, and no phone number with its country" in said) == (1, True)


async def test_status_tells_everybody(gate: RunningGate, sendgate: Shell) -> None:
    """Everybody who has an address is listed with unit, standing and who said so."""
    await gate.user("1", email=A, businessUnit="DE")
    await gate.user("2", email=A, businessUnit="US")
    await gate.tell("Opt Out", "MAIL", id="1")
    await gate.tell("Opt Out", "SMS", id="1")
    code, said = await sendgate.said("status", A)
    assert (code, "opted out of MAIL, SMS; no marketing is sent there" in said) == (0, True)
    rows = [re.split(r"\s{2,}", line.strip()) for line in said.splitlines() if line.startswith("user")]
    assert sorted((who, unit, stands) for who, unit, stands, *_ in rows) == [
        ("user 1", "DE", "opted out of MAIL"),
        ("user 1", "DE", "opted out of SMS"),
        ("user 2", "US", "nothing kept"),
    ]
    await gate.tell("Opt Out", id="2")
    assert "opted out; no marketing is sent, transactional messages are" in (await sendgate.said("status", A))[1]


async def test_status_tells_a_mailbox_that_is_gone(open_gate: OpenGate, sendgate: Shell) -> None:
    """Whom a bounce blocks is told as a send would tell it, and as blacklisted once somebody said so."""
    hook = {"key": "hook-key", "effects": {"hard_bounce": "block"}}
    gate = await open_gate(routes={"pm": {"provider": "postmark", "upstream": "sandbox", "webhook": hook}})
    bounce = {"RecordType": "Bounce", "ID": 1, "Type": "HardBounce", "Email": A, "BouncedAt": "2023-11-14T22:13:20Z"}
    shown = ("Authorization", "Bearer hook-key")
    assert (await gate.post("/webhooks/pm", json.dumps(bounce).encode(), JSON, shown, door="public")).status == 200
    assert (await gate.mail(A)).get("X-Sendgate-Reasons") == "hard_bounced"
    code, said = await sendgate.said("status", A)
    assert (code, f"{A}: hard_bounced; nothing at all is sent" in said) == (0, True)
    assert [line.split()[1] for line in said.splitlines() if line.startswith("lead")] == ["hard_bounced"]
    await gate.user("1", email=A, businessUnit="DE")
    await gate.tell("Blacklisted", id="1")
    assert f"{A}: blacklisted; nothing at all is sent" in (await sendgate.said("status", A))[1]


async def test_whitelist_reaches_everybody(gate: RunningGate, sendgate: Shell) -> None:
    """Everybody who has the address is released, users and leads, and an opt-out stays."""
    for unit in ("DE", "US"):
        await gate.tell("Blacklisted", email=A, businessUnit=unit)
    await gate.user("1", email=A, businessUnit="FR")
    await gate.tell("Blacklisted", id="1")
    await gate.tell("Opt Out", id="1")
    assert (await gate.mail(A)).status == 400
    code, said = await sendgate.said("whitelist", A)
    assert (code, "opted out; no marketing" in said) == (0, True)
    await gate.tell("Opt In", id="1")
    assert (await gate.mail(A)).status == 202


async def test_whitelist_reaches_what_was_kept(gate: RunningGate, sendgate: Shell) -> None:
    """The standing of an address that its user gave up is released too."""
    await gate.user("1", email=A)
    await gate.tell("Blacklisted", id="1")
    await gate.user("1", email="new@example.com")
    assert "kept address" in (await sendgate.said("status", A))[1]
    assert (await sendgate.said("whitelist", A))[0] == 0
    assert (await gate.mail(A)).status == 202


@pytest.mark.parametrize(
    ("entries", "verdict"),
    [
        pytest.param([{"Email": A}], "on a blacklist; nothing at all is sent", id="an entry"),
        pytest.param([{"Email": "*@example.com"}], "on a blacklist; nothing at all is sent", id="a pattern"),
        pytest.param([{"Email": A, "Scope": "shop"}, {"Email": A}], "on a blacklist; nothing at all", id="two"),
        pytest.param([{"Email": A, "Scope": "shop"}], "on a blacklist; routes of the scope shop, and", id="a scope"),
    ],
)
async def test_status_tells_of_entries(
    gate: RunningGate, sendgate: Shell, entries: list[dict[str, str]], verdict: str
) -> None:
    """An address that is on a blacklist is said to be, with the id of each entry, and whitelisting leaves it there."""
    answer = await gate.api("POST", "/api/v1.0/blacklists/", entries)
    for command in ("status", "whitelist"):
        _, said = await sendgate.said(command, A)
        assert verdict in said
        assert all(item["BlacklistId"] in said for item in answer.json["items"])
    _, said = await sendgate.said("blacklist", A)
    assert f"{A}: blacklisted" in said


async def test_status_tells_why_an_entry_is_there(gate: RunningGate, sendgate: Shell) -> None:
    """The reason of an entry, and until when it counts, stand in its line."""
    entry = {"Email": "*@example.com", "Reason": "a competitor", "ExpiresAt": "2099-01-01T00:00:00Z"}
    await gate.api("POST", "/api/v1.0/blacklists/", entry)
    _, said = await sendgate.said("status", A)
    assert "*@example.com, every scope, until 2099-01-01T00:00:00Z (a competitor)" in said


async def test_whitelisting_nobody(sendgate: Shell) -> None:
    """Releasing an address that nobody has changes nothing and is no failure."""
    code, said = await sendgate.said("whitelist", A)
    assert (code, "nobody in the store has this address" in said) == (0, True)


async def test_a_unit(sendgate: Shell) -> None:
    """A lead is made in the business unit that was named."""
    code, said = await sendgate.said("blacklist", A, "--business-unit", "DE")
    assert (code, re.search(r"^lead +DE +blacklisted", said, re.MULTILINE) is not None) == (0, True)


async def test_odd_names_are_shown_as_they_are(gate: RunningGate, sendgate: Shell) -> None:
    """An id that looks like markup, or would steer the terminal, is shown and does neither."""
    await gate.user("%5B%2Fred%5D%1B%5B31m%3Asmile%3A", email=A)
    code, said = await sendgate.said("status", A)
    assert (code, "user [/red]\ufffd[31m:smile:" in said, "\x1b[31m" in said) == (0, True, False)


async def test_records_are_shown_as_they_are(gate: RunningGate, sendgate: Shell) -> None:
    """What a sender wrote as an address is shown and steers nothing."""
    await gate.mail("[/red]\x1b[31mx", headers=[("X-Sendgate-Campaign", "[bold]")])
    code, said = await sendgate.said("records")
    assert (code, "[/red]\ufffd[31mx" in said, "[bold]" in said, "\x1b[31m" in said) == (0, True, True, False)


# ── health ──


async def test_health(gate: RunningGate, sendgate: Shell) -> None:
    """A ready gate is 0 and one that is not is 1, with what it says of itself."""
    code, said = await sendgate.said("health")
    assert (code, json.loads(said)["status"]) == (0, "ready")
    gate.app.health.draining = True
    code, said = await sendgate.said("health")
    assert (code, json.loads(said)["status"]) == (1, "unready")


async def test_health_of_nobody(sendgate: Shell) -> None:
    """Where no gate runs, there is no health."""
    code, said = await sendgate.said("health")
    assert (code, "no answer" in said) == (1, True)


# ── what cannot be done ──

MAKING_NONE = [
    ["status", A],
    ["blacklist", A],
    ["whitelist", A],
    ["records"],
    ["export", "{}/e.csv"],
    ["backup", "{}/b.db"],
    ["journal"],
    ["restore"],
]


@pytest.mark.parametrize("command", MAKING_NONE, ids=lambda command: command[0])
async def test_no_store_is_made_by_the_way(sendgate: Shell, settings: Settings, command: list[str]) -> None:
    """Where there is no store a command says so, and leaves neither a store nor a file of its own."""
    shutil.rmtree(settings.store.parent)
    there = set(settings.folder.rglob("*"))
    code, said = await sendgate.said(*(part.format(settings.folder) for part in command))
    assert (code, "there is no store at" in said) == (1, True)
    assert set(settings.folder.rglob("*")) == there


async def test_an_import_makes_a_store(sendgate: Shell, settings: Settings) -> None:
    """Where there is no store one is made by an import, so that it can be full before the gate first runs."""
    shutil.rmtree(settings.store.parent)
    people = settings.folder / "people.csv"
    people.write_text(f"email,blacklisted\n{A},true\n")
    code, _ = await sendgate.said("import", str(people))
    assert code == 0
    assert "nothing at all is sent" in (await sendgate.said("status", A))[1]


async def test_deep_paths(open_gate: OpenGate, sendgate: Shell, tmp_path: Path) -> None:
    """A store that lies deeper than the name of a socket may be long is reached all the same."""
    deep = tmp_path.joinpath(*["d" * 50] * 5) / "sendgate.db"
    gate = await open_gate(store={"path": str(deep)})
    assert len(str(deep)) > 200
    assert (await sendgate.said("health"))[0] == 0
    assert (await sendgate.said("blacklist", A))[0] == 0
    assert (await gate.mail(A)).status == 400
    await gate.app.stop()
    assert "nothing at all is sent" in (await sendgate.said("status", A))[1]


async def test_another_pepper(sendgate: Shell, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a pepper that is not the store's a command says so and does nothing."""
    assert (await sendgate.said("blacklist", A))[0] == 0
    monkeypatch.setenv("PEPPER", "another")
    settings.write(store={"pepper": "${PEPPER}"})
    code, said = await sendgate.said("status", A)
    assert (code, "was made with another store.pepper" in said) == (1, True)


async def test_serve_where_one_runs(gate: RunningGate, settings: Settings) -> None:
    """A second gate says that the store is another's, and ends with 1."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", "serve", "--config", str(settings.path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert (process.returncode, b"another process writes to the store" in err) == (1, True)
    assert (await gate.mail(A)).status == 202
