"""The whole API, asked by a machine that has read its document: what it answers is what the document says.

Schemathesis makes requests of every endpoint, good ones and bad ones, the same in each run. Two of its checks are left
out, because the document cannot say all that makes a request good: an e-mail that is one, a trait that holds a number.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Message, OpenGate, RunningGate

KEY = {"X-XNG-AuthToken": "key-of-this-test"}
SCOPES = ["users", "events", "release", "records", "blacklists", "admin"]
EXCEPT = "positive_data_acceptance,negative_data_rejection"
A = "a@example.com"
TRAITS = {"businessUnit": "DE", "phone": "+4915112345678", "optOut": True, "firstName": "Ada"}


async def ask(gate: RunningGate, method: str, path: str, body: Any = None) -> Message:
    """Ask in the second version."""
    return await gate.api(method, path, body, headers={**KEY, "X-XNG-ApiVersion": "2"})


async def names_of_somebody(gate: RunningGate) -> dict[str, str]:
    """Make a user, a lead, a record, an attribute and a segment, and give what they are called in paths."""
    accepted = await ask(gate, "PUT", "/users", {"id": "1", "email": A, **TRAITS})
    assert (await ask(gate, "POST", "/leads", {"updated": [{"email": A}]})).status == 200
    assert (await gate.mail(A)).status == 400
    assert (await ask(gate, "POST", "/users/attributes", {"name": "traits.x", "attributeType": "STRING"})).json[
        "id"
    ] == "1"
    assert (await ask(gate, "POST", "/segments", {"name": "everybody"})).status == 201
    lead = await ask(gate, "GET", f"/users/email/{A}")
    tracking = accepted.json["trackingId"]
    return {"id": "1", "email": A, "bu": "DE", "xngId": lead.json["xngId"], "trackingId": tracking, "name": "everybody"}


@pytest.mark.parametrize("known", [False, True], ids=["anybody", "somebody"])
async def test_answers_are_documented(open_gate: OpenGate, tmp_path: Path, known: bool) -> None:  # noqa: FBT001 (a case)
    """No request gets a 5xx, an undocumented status, or a body or header of another shape than the document's.

    Where paths name nobody, nothing much happens; so once all of them name somebody.
    """
    gate = await open_gate(api={"keys": [{"name": "all", "key": KEY["X-XNG-AuthToken"], "scopes": SCOPES}]})
    names = await names_of_somebody(gate)
    config = tmp_path / "schemathesis.toml"
    lines = [f'"path.{name}" = "{value}"\n' for name, value in names.items()] if known else []
    config.write_text("".join(["[parameters]\n", *lines]))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
        f"{gate.url('api')}/openapi.json",
        *("--header", f"X-XNG-AuthToken: {KEY['X-XNG-AuthToken']}", "--checks", "all", "--exclude-checks", EXCEPT),
        *("--phases", "coverage,fuzzing", "--max-examples", "8", "--generation-deterministic"),
        *("--warnings", "off", "--no-color"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    shown = "\n".join(line[:300] for line in told.decode(errors="replace").splitlines())
    assert process.returncode == 0, shown
    assert (await gate.api("GET", "/health/ready")).json["status"] == "ready"
