"""The texts of config.yaml that have a form."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from proxy import values
from proxy.units import Secret

PROVIDERS = {"providers": ("sendgrid", "twilio")}
DIGEST = "0123456789abcdef" * 4


def said(kind: Any, text: object) -> str:
    """Give the sentence with which a value is refused."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(text, context=PROVIDERS)
    return caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        pytest.param(values.Name, "Shop_1.eu-west", "Shop_1.eu-west", id="a name"),
        pytest.param(values.RouteName, "sms-sandbox_2", "sms-sandbox_2", id="a route's name"),
        pytest.param(values.ProviderName, "twilio", "twilio", id="a provider"),
        pytest.param(values.HostName, "API.Example.com", "api.example.com", id="a host"),
        pytest.param(values.HostName, "localhost", "localhost", id="a host of one label"),
        pytest.param(values.Region, "de", "DE", id="a region in small letters"),
        pytest.param(values.Region, "NO", "NO", id="a region that YAML takes for a switch"),
        pytest.param(values.Region, "", "", id="no region"),
        pytest.param(values.RawPath, "/v3/a%2fb;c=d", "/v3/a%2fb;c=d", id="a raw path"),
        pytest.param(values.FilePath, "data/x.db", Path("data/x.db"), id="a file"),
        pytest.param(values.Sha256, DIGEST.upper(), DIGEST, id="a digest in capitals"),
        pytest.param(values.HeaderName, "X-Api-Key", "X-Api-Key", id="a header"),
        pytest.param(values.Credential, "App abc", Secret("App abc"), id="a credential with a blank inside"),
        pytest.param(values.UserName, "AC123", Secret("AC123"), id="a user name"),
        pytest.param(values.Network, "192.0.2.7", ip_network("192.0.2.7/32"), id="a single address as network"),
        pytest.param(values.Network, "fd00::/8", ip_network("fd00::/8"), id="a network of IPv6"),
        pytest.param(values.Upstream, "sandbox", "sandbox", id="the sandbox"),
        pytest.param(values.Upstream, "https://api.example.com/", "https://api.example.com", id="a URL with a slash"),
        pytest.param(
            values.Upstream, "http://[::1]:9/base", "http://[::1]:9/base", id="a URL with address, port and path"
        ),
        pytest.param(values.PublicUrl, "", "", id="no public URL"),
        pytest.param(
            values.PublicUrl, "https://gate.example.com:8443", "https://gate.example.com:8443", id="a public URL"
        ),
    ],
)
def test_a_text_of_the_right_form_is_taken(kind: Any, text: str, value: object) -> None:
    """A text that has its form comes out folded where its form says so."""
    assert TypeAdapter(kind).validate_python(text, context=PROVIDERS) == value


@pytest.mark.parametrize(
    ("kind", "texts", "says"),
    [
        pytest.param(values.Text, ["a\nb", "a\x00", "\x7f"], "must be text on one line", id="text"),
        pytest.param(values.Text, ["\udc80"], "must be valid Unicode text", id="text that is no Unicode"),
        pytest.param(values.Text, [[], {}, None], "must be a single value", id="no text"),
        pytest.param(values.Name, ["", "a b", "-a", "é", "a" * 65], "must be up to 64 letters", id="names"),
        pytest.param(values.RouteName, ["", "A", "-a", "a/b", "a.b", "a" * 65], "a route's name must be", id="routes"),
        pytest.param(
            values.ProviderName, ["", "base", "Twilio"], "must be a provider's name: sendgrid, tw", id="provider"
        ),
        pytest.param(
            values.HostName, ["", "a:80", "a b", "a.", "é.de", "a/b", "a" * 64], "must be a host name", id="hosts"
        ),
        pytest.param(values.Region, ["XX", "D", "DEU", "49"], "must be two letters of ISO 3166", id="regions"),
        pytest.param(
            values.RawPath, ["", "v3", "/a?b", "/a#b", "/a b", "/é"], "must be a path that begins", id="paths"
        ),
        pytest.param(values.FilePath, ["", "a\0b", "a\nb"], "must be the path of a file", id="files"),
        pytest.param(values.Sha256, ["", "abc", DIGEST + "0", "g" * 64], "must be 64 hexadecimal digits", id="digests"),
        pytest.param(values.HeaderName, ["", "a b", "a:", "é"], "must be the name of a header", id="headers"),
        pytest.param(
            values.HeaderName, ["Host", "content-LENGTH", "TE", "X-Sendgate-Key"], "must not be a header", id="own"
        ),
        pytest.param(values.Credential, [""], "is empty", id="an empty credential"),
        pytest.param(
            values.Credential, ["a\nb", " a", "a ", "é", "\x7f"], "must be of printable ASCII", id="credentials"
        ),
        pytest.param(values.UserName, ["a:b"], "must not hold a colon", id="user names"),
        pytest.param(
            values.Network, ["", "10.0.0.1/8", "10/8/8", "x"], "must be a network in CIDR form", id="networks"
        ),
        pytest.param(
            values.AllowedAddress, ["", "x@", "*@", "*", "0", "*@*.example.com", "@"], "must be an e-mail", id="allowed"
        ),
        pytest.param(
            values.AllowedAddress, ["15112345678", "0151 12345678"], "with its country", id="allowed without a country"
        ),
        pytest.param(
            values.PublicUrl,
            ["x", "//x", "https://x/", "https://x/y", "https://u@x", "https://x?", "https://x#"],
            "must be http:// or https://",
            id="public URLs",
        ),
        pytest.param(
            values.Upstream,
            ["", "Sandbox", "ftp://x", "//x", "https://", "https:///x"],
            "must be a http or https URL",
            id="no URLs",
        ),
        pytest.param(
            values.Upstream,
            ["https://u:p@x", "https://@x", "https://x?y", "https://x/?", "https://x#y"],
            "must be a http",
            id="URLs with too much",
        ),
        pytest.param(
            values.Upstream,
            ["https://x:0", "https://x:", "https://x:99999", "https://x:y"],
            "must be a http",
            id="URLs with odd ports",
        ),
        pytest.param(
            values.Upstream,
            ["https://x y", "https://x\ty", "https://x\\y", "https://é", "https://[x]", "https://[::1"],
            "must be a http",
            id="odd URLs",
        ),
    ],
)
def test_a_text_of_another_form_is_refused(kind: Any, texts: list[object], says: str) -> None:
    """A text without its form is refused with a sentence that says what would be allowed."""
    for text in texts:
        assert says in said(kind, text), text


def test_a_slip_in_a_providers_name_is_guessed() -> None:
    """A name that is nearly a provider's is answered with that provider."""
    assert said(values.ProviderName, "sendgird").endswith("sendgrid, twilio; did you mean sendgrid?")


@pytest.mark.parametrize("entry", ["+49 151 12345678", "0049 151 12345678", "+49 (0)151-12345678"])
def test_an_allowed_number_says_its_country(entry: str) -> None:
    """A number that says its country is allowed in any spelling, and opens that one number."""
    assert TypeAdapter(values.AllowedAddress).validate_python(entry) == entry
    assert values.allow_list([entry]).keys == {"+4915112345678"}


@pytest.mark.parametrize(("path", "starts"), [("data/x.db", "/etc/gate/data/x.db"), ("/data/x.db", "/data/x.db")])
def test_a_relative_path_starts_at_the_folder(path: str, starts: str) -> None:
    """Where a validation knows the configuration's folder, a relative path starts there."""
    assert TypeAdapter(values.FilePath).validate_python(path, context={"folder": Path("/etc/gate")}) == Path(starts)


def test_an_entry_that_reaches_nobody_opens_nothing() -> None:
    """An allow-list of an entry without a key is a list of nobody, not of everybody."""
    reached = values.allow_list(["nonsense", "15112345678"])
    assert (reached.keys, reached.domains) == (frozenset(), frozenset())
