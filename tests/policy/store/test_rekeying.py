"""Keys made by other tables than today's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from policy import Policy
from policy.events import Origin, Profile, Told, Word
from policy.events import Subject as Of
from policy.model import Channel, MessageClass, Recipient, Send, Terms
from policy.store import rekeying


@pytest.fixture
def policy(tmp_path: Path) -> Iterator[Policy]:
    opened = Policy(tmp_path / "store.db", "pepper")
    opened.open()
    yield opened
    opened.close()


def _send(key: str) -> Send:
    return Send(Channel.SMS, (Recipient("To", Channel.SMS, key, (key,)),))


async def _refused(policy: Policy, key: str) -> bool:
    return bool((await policy.judge(_send(key), Terms(MessageClass.TRANSACTIONAL))).refused)


async def test_a_number_that_new_tables_write_otherwise_goes_on_blocking(policy: Policy) -> None:
    """Whoever was keyed by old tables is found by the keys of the new ones and still by the old ones."""
    old = "+999000111"  # as if another release of the tables had made it of this number
    await policy.learn([Profile("7", phones={"phone": ("+49 1511 2345678", (old,))})])
    await policy.learn([Told(Of(id="7"), Word.BLACKLISTED, Word.BLACKLISTED, Origin.API)])
    assert not await _refused(policy, "+4915112345678")
    changed = await policy.database.write(lambda c: rekeying.rekey(c, policy.database.digests, "new"))
    assert changed == 1
    assert await _refused(policy, "+4915112345678")
    assert await _refused(policy, old)
