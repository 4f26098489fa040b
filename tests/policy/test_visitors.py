"""What profiles keep beside the traits of users, and how it is laid together."""

from __future__ import annotations

from typing import Any

import pytest

from policy import visitors
from policy.visitors import DEVICES, MOST_DEVICES, TRAIT, merged


def kept(**fields: Any) -> dict[str, Any]:
    """Make traits with what a profile keeps."""
    return {TRAIT: fields}


MERGED = [
    pytest.param([{"a": 1}], {"b": 2, "a": None}, {"b": 2}, id="traits of users"),
    pytest.param([{"a": 1}], kept(Name="Ann"), {"a": 1, **kept(Name="Ann")}, id="a first profile"),
    pytest.param(
        [kept(Name="Ann", Visits=3)], kept(Name="Bea"), kept(Name="Bea", Visits=3), id="what is not told stays"
    ),
    pytest.param([kept(Name="Ann", Visits=3)], kept(Name=None), kept(Visits=3), id="None takes away"),
    pytest.param([kept(Name="Ann")], kept(Name=None), {}, id="nothing left"),
    pytest.param([kept(Name="Ann")], {"a": 1}, {"a": 1, **kept(Name="Ann")}, id="a user's traits leave it"),
    pytest.param([kept(DeviceIds=["1", "2"])], kept(DeviceIds=["3"]), kept(DeviceIds=["3"]), id="devices anew"),
    pytest.param([kept(DeviceIds=["1"])], kept(DeviceIds=None), {}, id="no device any more"),
    pytest.param(
        [kept(DeviceIds=["1", "2"], Name="Lead"), kept(DeviceIds=["2", "3"], Visits=1)],
        {},
        kept(DeviceIds=["1", "2", "3"], Name="Lead", Visits=1),
        id="two who become one",
    ),
]


@pytest.mark.parametrize(("held", "told", "whole"), MERGED)
def test_what_is_told_is_laid_over_what_is_held(
    held: list[dict[str, Any]], told: dict[str, Any], whole: dict[str, Any]
) -> None:
    """Each field is the newest that was told, None takes one away, and of two who become one all devices stay."""
    assert merged(held, told) == whole


def test_the_oldest_devices_go() -> None:
    """Nobody has more devices than there may be."""
    many = [str(number) for number in range(MOST_DEVICES)]
    assert visitors.devices(merged([kept(DeviceIds=many), kept(DeviceIds=["new"])], {}))[-2:] == [many[-1], "new"]
    assert len(visitors.devices(merged([kept(DeviceIds=many), kept(DeviceIds=["new"])], {}))) == MOST_DEVICES


def test_devices_that_are_called_by_an_address() -> None:
    """Of devices those that are e-mail addresses have keys."""
    traits = kept(DeviceIds=["9f4447e4-9f00-4fa8-ad30-a1a971d4fbf6", "Ann@X.de", "@"])
    assert list(visitors.addresses(traits)) == [("ann@x.de",)]
    assert (visitors.of({}), visitors.devices({}), visitors.of({TRAIT: None}), DEVICES) == ({}, (), {}, "DeviceIds")
