"""The laws that every provider's webhooks obey, over each file found on disk and each row of its table."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.hooks import base
from proxy.hooks.base import Forged, Garbled, Hook, Hooks, Says
from tests.paths import HOOKS

if TYPE_CHECKING:
    from tests.hooks.conftest import Table

Item = tuple[bytes, list[tuple[Any, ...]]]


def sample(table: Table) -> bytes:
    """Give the body of the table's first row."""
    body: bytes = next(iter(table.module.ITEMS.values()))[0]
    return body


def test_a_file_has_a_table(name: str) -> None:
    """For each provider whose webhooks are known there is a table, and a provider's file of the same name."""
    assert (HOOKS / f"{name}.py").exists()


def test_a_file_keeps_the_contract(name: str) -> None:
    """The module has every function of the contract with the same parameters and result."""
    hooks = base.load(name)
    assert hooks is not None
    assert hooks.WINDOW >= 0
    for function, wanted in inspect.getmembers(Hooks, inspect.isfunction):
        if not function.startswith("_"):
            parameters = [each for each in inspect.signature(wanted).parameters if each != "self"]
            assert list(inspect.signature(getattr(hooks, function)).parameters) == parameters


def test_what_nobody_wrote_is_not_known() -> None:
    """A provider without a file has no webhooks."""
    assert base.load("nobody") is None
    assert base.load("base") is None


def test_a_word_says_what_the_table_says(table: Table, item: Item) -> None:
    """Each item of a webhook becomes the notices that the table names, whoever else came with it."""
    body, told = item
    notices = table.hooks.read(table.sign(body))
    stated = [each.at.first // 1_000_000 if each.at else None for each in notices]
    assert [(each.says, each.address, at) for each, at in zip(notices, stated, strict=True)] == told


def test_what_was_dropped_is_told_as_such(table: Table) -> None:
    """An item says that nothing was sent because of the provider's own list where the table says so, nowhere else."""
    dropped = {
        title
        for title, (body, _) in table.module.ITEMS.items()
        if any(each.dropped for each in table.hooks.read(table.sign(body)))
    }
    assert dropped == getattr(table.module, "DROPPED", set())


def test_an_answer_to_a_send_tells_what_the_table_says(table: Table) -> None:
    """Where answers tell whom the provider dropped, each in the table becomes the notices that it names."""
    answers = getattr(table.module, "ANSWERS", {})
    assert bool(answers) is isinstance(table.hooks, base.TellsDropped)
    for title, (body, told) in answers.items():
        assert isinstance(table.hooks, base.TellsDropped)
        notices = table.hooks.dropped(body)
        assert [(each.says, each.address) for each in notices] == told, title
        assert all(each.dropped for each in notices)
        assert not any(other in str(each.raw) for each in notices for _, other in told if other != each.address)


GARBAGE = (b"", b"7", b"[]", b"{}", b"null", b"[7]", b'"rejected"', b'"inactive addresses"', b"\xff", b"[" * 9999)


@pytest.mark.parametrize("body", GARBAGE)
def test_an_answer_without_sense_tells_of_nobody(table: Table, body: bytes) -> None:
    """Whatever stands in place of an answer, reading it gives nothing and raises nothing."""
    if isinstance(table.hooks, base.TellsDropped):
        behind, before = b'"rejected" inactive addresses', b'{"status":"rejected","ErrorCode":406,"x":'
        assert (
            table.hooks.dropped(body) == table.hooks.dropped(body + behind) == table.hooks.dropped(before + body) == ()
        )


def test_an_item_has_an_identity(table: Table, item: Item) -> None:
    """Told twice, an item has the same identity; two items of one request have two."""
    notices = table.hooks.read(table.sign(item[0]))
    again = table.hooks.read(table.sign(item[0]))
    assert [each.id for each in notices] == [each.id for each in again]
    assert all(each.id for each in notices if each.says is not Says.NOTHING)
    assert len({each.id for each in notices}) == len(notices)


def test_what_is_signed_is_believed(table: Table, item: Item) -> None:
    """A request by the provider's published scheme passes the check, with either key of a rotation."""
    hook = table.sign(item[0])
    table.check(hook)
    if table.secrets.keys:
        table.check(hook, replace(table.secrets, keys=("another", *table.secrets.keys)))


@pytest.mark.parametrize("header", ["every", "each"])
def test_what_is_not_signed_is_forged(table: Table, header: str) -> None:
    """Without its headers, or with any of those that sign taken away, a request is not believed."""
    hook = table.sign(sample(table))
    signing = getattr(table.module, "SIGNING", None)
    if signing == ():
        pytest.skip("the signature stands in the body")
    names = list(hook.headers) if header == "every" else list(signing or ())
    for gone in [names] if header == "every" else [[name] for name in names]:
        left = CIMultiDict((name, value) for name, value in hook.headers.items() if name not in gone)
        with pytest.raises(Forged):
            table.check(replace(hook, headers=CIMultiDictProxy(left)))


def test_another_key_is_no_key(table: Table) -> None:
    """A request signed with one key is not believed by another, nor where there is none."""
    if not table.secrets.keys:
        pytest.skip("the provider signs with a certificate")
    hook = table.sign(sample(table))
    for keys in (("another",), (), ("",)):
        with pytest.raises(Forged):
            table.check(hook, replace(table.secrets, keys=keys))


def test_a_changed_body_is_forged(table: Table) -> None:
    """Where the body is signed, not one byte of it can change."""
    if table.says("UNSIGNED", otherwise=False) or not table.says("BODY_SIGNED", otherwise=True):
        pytest.skip("the provider does not sign the body")
    hook = table.sign(sample(table))
    for at in (len(hook.body) // 3, len(hook.body) // 2):
        changed = hook.body[:at] + bytes([hook.body[at] ^ 1]) + hook.body[at + 1 :]
        with pytest.raises((Forged, Garbled)):
            table.check(replace(hook, body=changed))


def test_what_is_too_old_is_forged(table: Table) -> None:
    """Where a time is signed, a request from outside the window is not believed."""
    if table.says("UNSIGNED", otherwise=False) or not table.says("TIMED", otherwise=True):
        pytest.skip("the provider signs no time")
    for away in (-table.hooks.WINDOW - 2, table.hooks.WINDOW + 2):
        hook = table.sign(sample(table))
        with pytest.raises(Forged):
            table.check(hook, now=1_800_000_000 + away)


def test_what_is_no_webhook_is_garbled(table: Table, garbled: bytes) -> None:
    """A body of no known form is told as such."""
    with pytest.raises(Garbled):
        table.hooks.read(replace(table.sign(sample(table)), body=garbled))


@given(data=st.data())
def test_a_mutilated_webhook_is_read_or_garbled(table: Table, data: st.DataObject) -> None:
    """Whatever happens to the bytes, nothing but Forged or Garbled is raised, and no address stands in its text."""
    hook = table.sign(sample(table))
    start = data.draw(st.integers(0, len(hook.body)))
    end = data.draw(st.integers(start, min(len(hook.body), start + 20)))
    patch = data.draw(st.binary(max_size=4) | st.sampled_from([b'"', b"{", b"[", b"&", b"=", b"null", b"[]", b"1e999"]))
    mutilated = replace(hook, body=hook.body[:start] + patch + hook.body[end:])
    for ask in (table.hooks.read, table.hooks.confirm, table.check, table.hooks.needs):
        assert_tidy(ask, mutilated)


def assert_tidy(ask: Any, hook: Hook) -> None:
    """Ask, and look at what is raised."""
    told = ""
    try:
        ask(hook)
    except (Forged, Garbled) as error:
        told = str(error)
    assert "@" not in told
