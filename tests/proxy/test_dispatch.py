from __future__ import annotations
import pytest
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from tests.conftest import *

@pytest.mark.parametrize("n", range(5))
async def test_try(gate, upstream, n):
    await gate.tell("Blacklisted", email="a@example.com")
    answer = await gate.mail("a@example.com")
    assert answer.status == 400, answer
    assert upstream.heard == []
    answer = await gate.mail("b@example.com")
    assert answer.status == 202
    print(answer, upstream.heard)
    assert gate.metric("sendgate_sends_total", outcome="refused") == 1

async def test_serve(serve, upstream):
    g = await serve()
    print(g.addresses)
    answer = await g.mail("b@example.com")
    assert answer.status == 202
    g.process.terminate()
    assert await g.end() == 0
    print(g.log)
