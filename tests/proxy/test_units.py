"""The scalar values of config.yaml."""

from __future__ import annotations

import copy
import json
import pickle
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from proxy.units import LONGEST, Address, Secret, duration, size

HIDDEN = "s3cr3t-value"


class Holder(BaseModel):
    key: Secret


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("500ms", 0.5, id="milliseconds"),
        pytest.param("5s", 5.0, id="seconds"),
        pytest.param("15m", 900.0, id="minutes"),
        pytest.param("24h", 86_400.0, id="hours"),
        pytest.param("90d", 7_776_000.0, id="days"),
        pytest.param("1.5h", 5_400.0, id="a fraction"),
        pytest.param("5 s", 5.0, id="a blank before the unit"),
        pytest.param("0s", 0.0, id="nothing"),
    ],
)
def test_durations_are_read_as_seconds(text: str, seconds: float) -> None:
    """A duration is a number and a unit, and comes out in seconds."""
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "5", "s", "-5s", "5 weeks", "5s ", "٥s", "1e3s", "36501d", "9" * 5000 + "s", None, 5, []]
)
def test_other_texts_are_no_durations(text: object) -> None:
    """What is not a number with a unit, or is longer than a hundred years, is refused."""
    with pytest.raises(ValueError, match="must"):
        duration(text)


@given(st.integers(0, 10**12), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_no_duration_is_longer_than_what_a_time_can_hold(number: int, unit: str) -> None:
    """Every duration that is taken lies between nothing and a hundred years."""
    try:
        seconds = duration(f"{number}{unit}")
    except ValueError:
        return
    assert 0 <= seconds <= LONGEST


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        pytest.param("30MiB", 31_457_280, id="mebibytes"),
        pytest.param("64KiB", 65_536, id="kibibytes"),
        pytest.param("10MB", 10_000_000, id="megabytes"),
        pytest.param("1GiB", 1_073_741_824, id="gibibytes"),
        pytest.param("512", 512, id="bare bytes"),
        pytest.param("512B", 512, id="bytes"),
        pytest.param(512, 512, id="an integer"),
    ],
)
def test_sizes_are_read_as_bytes(text: object, octets: int) -> None:
    """A size is bytes, or a number and a unit of a thousand or of 1024."""
    assert size(text) == octets


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1.5MiB", "30 mib", "30Mib", "9" * 5000, None, []])
def test_other_texts_are_no_sizes(text: object) -> None:
    """A unit in other letters could mean something else and is refused."""
    with pytest.raises(ValueError, match="must"):
        size(text)


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(repr, id="repr"),
        pytest.param(str, id="str"),
        pytest.param("{}".format, id="format"),
        pytest.param(lambda secret: repr(Holder(key=secret)), id="repr of a model"),
        pytest.param(lambda secret: str(Holder(key=secret).model_dump()), id="dump of a model"),
        pytest.param(lambda secret: Holder(key=secret).model_dump_json(), id="JSON of a model"),
        pytest.param(lambda secret: json.dumps({"key": secret}, default=str), id="JSON with str as default"),
        pytest.param(lambda secret: repr(copy.deepcopy({"key": [secret]})), id="repr of a copy"),
    ],
)
def test_secrets_do_not_print(shown: object) -> None:
    """A secret shows its mask wherever something prints it."""
    assert callable(shown)
    text = shown(Secret(HIDDEN))
    assert HIDDEN not in text
    assert "***" in text


def test_secrets_are_not_pickled() -> None:
    """A secret does not leave the process by pickle."""
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(HIDDEN))


def test_secrets_are_revealed_on_demand() -> None:
    """A secret gives its text to the one who asks for it by name."""
    assert Secret(HIDDEN).reveal() == HIDDEN


@given(st.text(), st.text())
def test_secrets_are_equal_as_their_texts_are(one: str, other: str) -> None:
    """Two secrets are equal exactly when their texts are, and then they hash alike."""
    assert (Secret(one) == Secret(other)) == (one == other)
    assert hash(Secret(one)) == hash(Secret(one))


def test_a_secret_equals_no_text() -> None:
    """A secret is never equal to the bare text, so that nobody compares in a time that tells."""
    assert Secret(HIDDEN) != HIDDEN


def test_an_empty_secret_is_false() -> None:
    """Whether a secret is set can be asked without revealing it."""
    assert (bool(Secret("")), bool(Secret("x"))) == (False, True)


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        pytest.param("127.0.0.1:8080", "127.0.0.1", 8080, True, id="loopback"),
        pytest.param("127.8.0.1:0", "127.8.0.1", 0, True, id="another loopback, any port"),
        pytest.param("0.0.0.0:80", "0.0.0.0", 80, False, id="all addresses"),
        pytest.param("[::1]:80", "::1", 80, True, id="loopback of IPv6"),
        pytest.param("[0:0::1]:80", "::1", 80, True, id="loopback of IPv6, long"),
        pytest.param("[::]:80", "::", 80, False, id="all addresses of IPv6"),
        pytest.param("LocalHost:80", "localhost", 80, True, id="localhost"),
        pytest.param("gate.example.com:80", "gate.example.com", 80, False, id="a name"),
    ],
)
def test_addresses_are_read(text: str, host: str, port: int, *, loopback: bool) -> None:
    """An address is a host and a port, and knows whether other machines can reach it."""
    address = Address.parse(text)
    assert (address.host, address.port, address.loopback) == (host, port, loopback)
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8080",
        ":8080",
        "127.0.0.1",
        "127.0.0.1:65536",
        "127.0.0.1:x",
        "1.2.3:80",
        "1.2.3.4.5:80",
        "::1:80",
        "[127.0.0.1]:80",
        "[::1]",
        "a b:80",
        "a_b.:80",
        "http://x:80",
        "127.0.0.1:80 ",
        "*:80",
        None,
        80,
    ],
)
def test_other_texts_are_no_addresses(text: object) -> None:
    """What is not host:port or [v6]:port is refused."""
    with pytest.raises(ValueError, match="must"):
        Address.parse(text)


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        pytest.param("127.0.0.1:80", "127.0.0.1:80", True, id="the same"),
        pytest.param("127.0.0.1:80", "127.0.0.1:81", False, id="another port"),
        pytest.param("127.0.0.1:0", "127.0.0.1:0", False, id="any free port"),
        pytest.param("0.0.0.0:80", "192.0.2.1:80", True, id="all addresses cover one"),
        pytest.param("[::]:80", "192.0.2.1:80", False, id="another family"),
        pytest.param("localhost:80", "[::1]:80", True, id="localhost is both loopbacks"),
        pytest.param("localhost:80", "127.0.0.1:80", True, id="localhost is 127.0.0.1"),
        pytest.param("gate.example.com:80", "gate.example.com:80", True, id="the same name"),
        pytest.param("192.0.2.1:80", "192.0.2.2:80", False, id="another host"),
    ],
)
def test_addresses_clash(one: str, other: str, *, clash: bool) -> None:
    """Two addresses clash if they cannot be bound at once, in either order."""
    for first, second in permutations([Address.parse(one), Address.parse(other)]):
        assert first.clashes(second) == clash
