"""What values of config.yaml say together."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from proxy.config import Config
from proxy.crosschecks import config_warnings, needs_restart
from proxy.loading import ConfigError, parse

WIDE = "listen: {proxy: '0.0.0.0:8080'}\n"
BEARER = "auth: {kind: bearer, token: hunter2}"
SENDER = "senders: [{name: s, key: k, routes: [one]}]\n"
LINKS = f"unsubscribe: {{keys: [{'k' * 32}]}}\n"
PEPPER = "store: {pepper: '${PEPPER}'}\n"


def no_file(path: Path) -> bytes:
    raise FileNotFoundError(2, "No such file or directory", str(path))


def tree(text: str, environ: Mapping[str, str] = MappingProxyType({"PEPPER": "p", "OTHER": "o"})) -> Config:
    return parse(text, environ, no_file, providers=["mailgun", "mandrill", "resend", "sendgrid", "ses", "twilio"])


def told(text: str) -> list[str]:
    """Give the faults of a text without their lines."""
    try:
        tree(text)
    except ConfigError as error:
        return [f"{fault.path}: {fault.says}" for fault in error.faults]
    return []


def heard(provider: str, webhook: str) -> str:
    """Write a route whose provider tells what became of its messages."""
    return f"routes: {{one: {{provider: {provider}, upstream: sandbox, webhook: {{{webhook}}}}}}}\n"


def routes(**keys: str) -> str:
    entries = [f"  {name}: {{provider: sendgrid, upstream: sandbox, {more}}}" for name, more in keys.items()]
    return "\n".join(["routes:", *entries, ""])


def senders(*entries: str) -> str:
    return "\n".join(["senders:", *(f"- {{routes: [one], {entry}}}" for entry in entries), ""])


def texts(auth: str) -> str:
    """Write a route with the gate's own credential to a provider whose paths name accounts."""
    return f"routes: {{one: {{provider: twilio, upstream: sandbox, auth: {{{auth}}}}}}}\n"


def signed(more: str, upstream: str = "https://aws.test") -> str:
    """Give a route to a provider that takes signatures of AWS."""
    return f"routes: {{one: {{provider: ses, upstream: '{upstream}', {more}}}}}\n"


PUBLIC = "public_url: https://gate.test\n"
PUT = "links: {headers: true}"
PUT_IN = routes(one=PUT)
AWS = "auth: {kind: aws, access_key_id: AK, secret_access_key: hunter2, region: eu-west-1}"
PAIR = "aws: {access_key_id: AK, secret_access_key: hunter2}"
ONE = routes(one="")
TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(routes(one=BEARER), id="a credential behind a loopback listener"),
        pytest.param(WIDE + SENDER + routes(one=BEARER), id="a credential with a sender"),
        pytest.param(
            routes(one=f"{BEARER}, listen: '127.0.0.1:9000'"), id="a credential behind two loopback listeners"
        ),
        pytest.param(
            "routes: {one: {provider: mandrill, upstream: sandbox, auth: {kind: body, key: hunter2}}}",
            id="a key in the body of a provider that wants it there",
        ),
        pytest.param(
            texts("kind: basic, username: AC0123456789abcdef0123456789abcdef, password: p"), id="an account's token"
        ),
        pytest.param(texts("kind: basic, username: SK0, password: p, account: AC0"), id="an API key and its account"),
        pytest.param(texts("kind: bearer, token: t, account: AC0"), id="a token and its account"),
        pytest.param(WIDE + ONE, id="no credential"),
        pytest.param(heard("mailgun", "key: [k, l]"), id="a webhook with a key"),
        pytest.param(heard("ses", f"topics: ['{TOPIC}']"), id="a webhook with a topic"),
        pytest.param(heard("resend", "key: whsec_c2VjcmV0"), id="a webhook with a key of a form of its own"),
        pytest.param(
            "listen: {api: '0.0.0.0:1'}\napi: {keys: [{name: k, key: x, scopes: [users]}]}", id="an API with a key"
        ),
        pytest.param("listen: {api: '[::1]:1'}", id="an API on another loopback"),
        pytest.param("listen: {public: '0.0.0.0:1', ops: '0.0.0.0:2'}", id="public doors"),
        pytest.param(ONE + senders("name: a, key: [k, l]", "name: b, key: m"), id="senders with keys of their own"),
        pytest.param(ONE + senders("name: a, key: [k, k]"), id="the same key twice in one entry"),
        pytest.param(ONE + senders("name: a, listen: '127.0.0.1:9000'"), id="a sender known by its listener"),
        pytest.param(ONE + senders(f"name: a, credential_sha256: {'0' * 64}"), id="a sender known by its credential"),
        pytest.param(ONE + senders(f"name: a, {PAIR}"), id="a sender known by its signature"),
        pytest.param(signed(AWS), id="signatures, and a key to make them"),
        pytest.param(signed("", "sandbox"), id="signatures, and the sandbox"),
        pytest.param(signed("host: aws.test"), id="signatures that are made for the provider's own host"),
        pytest.param(routes(one="host: [h, H]", two="host: i"), id="hosts that differ"),
        pytest.param(routes(one="scope: 0_shop", two="scope: 0_shop", three="scope: ''"), id="scopes"),
        pytest.param("blacklists: {lenient_scopes: true}\n" + routes(one="scope: My-Shop"), id="a lenient scope"),
        pytest.param("profiles: {business_units: {shop: DE, blog: ''}}", id="scopes and units"),
        pytest.param(
            "listen: {proxy: '127.0.0.1:0', api: '127.0.0.1:0', public: '0.0.0.0:0', ops: '[::1]:0'}",
            id="any free port",
        ),
        pytest.param(LINKS + PUBLIC + PUT_IN, id="links in mail"),
        pytest.param(LINKS + "public_url: http://127.0.0.1:8082\n" + PUT_IN, id="links to this machine"),
        pytest.param(routes(one="links: {headers: false, placeholder: ''}"), id="no links, said aloud"),
        pytest.param(LINKS + PUBLIC + signed(f"{AWS}, {PUT}"), id="links in what the gate signs"),
        pytest.param(LINKS + PUBLIC + signed(PUT, "sandbox"), id="links in what is signed for nobody"),
    ],
)
def test_what_goes_together_is_no_fault(text: str) -> None:
    """A configuration that makes sense is taken."""
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(WIDE + routes(one=BEARER), "routes.one.auth: is an open relay", id="an open relay"),
        pytest.param(
            routes(one=f"{BEARER}, listen: '0.0.0.0:9000'"),
            "routes.one.auth: is an open relay",
            id="by its own listener",
        ),
        pytest.param(
            WIDE + routes(one=f"{BEARER}, listen: '127.0.0.1:9000'"),
            "routes.one.auth: is an open relay",
            id="by the proxy listener beside its own",
        ),
        pytest.param(
            WIDE + SENDER + routes(one="", two=BEARER),
            "routes.two.auth: is an open relay",
            id="without a sender of its own",
        ),
        pytest.param(PUBLIC + PUT_IN, "routes.one.links: needs unsubscribe.keys", id="links without a key"),
        pytest.param(LINKS + PUT_IN, "routes.one.links: needs public_url, where", id="links to nowhere"),
        pytest.param(
            LINKS + "public_url: http://gate.test\n" + PUT_IN,
            "routes.one.links: needs a public_url of https",
            id="links that no mailbox provider uses",
        ),
        pytest.param(
            LINKS + PUBLIC + signed(f"host: aws.test, {PUT}"),
            "routes.one.links: needs auth of kind aws",
            id="links in what a sender signed",
        ),
        pytest.param(
            LINKS + PUBLIC + f"routes: {{one: {{provider: twilio, upstream: sandbox, {PUT}}}}}",
            "routes.one.links: cannot be put into messages of this provider; there are: ",
            id="links in text messages",
        ),
        pytest.param(
            LINKS + PUBLIC + "routes: {one: {provider: mailgun, upstream: sandbox, links: {variable: leave}}}",
            "routes.one.links.variable: cannot be put into the templates of this provider",
            id="links in templates that nobody fills",
        ),
        pytest.param(heard("mailgun", "effects: {}"), "routes.one.webhook: needs a key", id="a webhook for all"),
        pytest.param(
            heard("mailgun", f"topics: ['{TOPIC}']"), "routes.one.webhook: needs a key", id="topics for a key"
        ),
        pytest.param(heard("ses", "key: hunter2"), "routes.one.webhook: needs topics, the ARNs", id="a key for topics"),
        pytest.param(heard("ses", "topics: [mail]"), "routes.one.webhook: needs topics that are ARNs", id="no topic"),
        pytest.param(
            heard("sendgrid", "key: hunter2"), "routes.one.webhook: needs a key that is SendGrid's", id="no public key"
        ),
        pytest.param(
            heard("resend", "key: hunter2!"), "routes.one.webhook: needs a key that is a signing secret", id="no secret"
        ),
        pytest.param(
            "routes: {one: {provider: mandrill, upstream: sandbox, auth: {kind: bearer, token: hunter2}}}",
            "routes.one.auth.kind: must be body",
            id="a key where its provider does not look",
        ),
        pytest.param(
            "routes: {one: {provider: twilio, upstream: sandbox, webhook: {key: k}}}",
            "routes.one.webhook: no webhooks of this provider",
            id="a webhook that nobody hears",
        ),
        pytest.param(
            texts("kind: basic, username: SK0, password: hunter2"),
            "routes.one.auth: needs account: paths of this provider name",
            id="an API key that does not tell its account",
        ),
        pytest.param(
            texts("kind: header, name: Authorization, value: hunter2"),
            "routes.one.auth: needs account: paths of this provider name",
            id="a header that does not tell its account",
        ),
        pytest.param(
            routes(one="auth: {kind: body, key: hunter2}"),
            "routes.one.auth.kind: cannot be body: this provider takes no key there",
            id="a key in the body of a provider that has none",
        ),
        pytest.param("listen: {api: '0.0.0.0:1'}", "listen.api: must be a loopback address", id="an API without keys"),
        pytest.param("listen: {api: 'gate:1'}", "listen.api: must be a loopback address", id="an API on a host name"),
        pytest.param(
            ONE + "senders: [{name: s, key: k, routes: [one, two]}]",
            "senders.0.routes.1: must be the name of a route; there are: one",
            id="a sender without its route",
        ),
        pytest.param(
            signed(""), "routes.one.auth: must be of kind aws: a sender signs for the gate's", id="no AWS key"
        ),
        pytest.param(signed(BEARER), "routes.one.auth: must be of kind aws", id="another credential than an AWS key"),
        pytest.param(routes(one=AWS), "routes.one.auth: cannot be of kind aws", id="a key of AWS for another provider"),
        pytest.param(
            ONE + senders(f"name: a, {PAIR}", f"name: b, {PAIR}"),
            "senders.1.aws: has the access_key_id",
            id="one AWS key",
        ),
        pytest.param(SENDER, "senders.0.routes.0: must be the name of a route; there is none", id="no routes"),
        pytest.param(
            ONE + senders("name: a"),
            "senders.0: needs a key, a credential_sha256, an aws key or a listen",
            id="no mark",
        ),
        pytest.param(ONE + senders("name: a, key: []"), "senders.0: needs a key, a credential_sha256", id="no keys"),
        pytest.param(
            ONE + senders("name: a, key: k", "name: a, key: l"), "senders.1.name: is the name of an earlier", id="names"
        ),
        pytest.param(
            ONE + senders("name: a, key: hunter2", "name: b, key: [l, hunter2]"),
            "senders.1.key: is the key of an earlier sender",
            id="one key for two senders",
        ),
        pytest.param(
            ONE + senders(f"name: a, credential_sha256: {'a' * 64}", f"name: b, credential_sha256: {'A' * 64}"),
            "senders.1.credential_sha256: is the credential of an earlier sender",
            id="one credential for two senders",
        ),
        pytest.param(
            "api: {keys: [{name: a, key: x, scopes: []}, {name: a, key: y, scopes: []}]}",
            "api.keys.1.name: is the name of an earlier key",
            id="names of API keys",
        ),
        pytest.param(
            "api: {keys: [{name: a, key: hunter2, scopes: []}, {name: b, key: hunter2, scopes: []}]}",
            "api.keys.1.key: is the key of an earlier entry",
            id="one key for two entries",
        ),
        pytest.param(
            routes(one="host: h", two="host: [i, H]"), "routes.two.host: is claimed by an earlier", id="hosts"
        ),
        pytest.param(
            routes(one="scope: MyShop"), "routes.one.scope: is none by the strict rules: a scope has no", id="a scope"
        ),
        pytest.param(
            routes(one="scope: my-shop"), "routes.one.scope: is none by the strict rules: a scope con", id="a hyphen"
        ),
        pytest.param(
            "profiles: {business_units: {MyShop: DE}}",
            "profiles.business_units.MyShop: is none by the",
            id="a unit's scope",
        ),
        pytest.param(
            routes(one="scope: _shop"), "routes.one.scope: a scope must be up to 64 letters", id="no scope at all"
        ),
        pytest.param("listen: {api: '127.0.0.1:8080'}", "listen.api: is the same address as listen.proxy", id="doors"),
        pytest.param(
            routes(one="listen: '127.0.0.1:8080'"),
            "routes.one.listen: is the same address as listen.proxy",
            id="a route",
        ),
        pytest.param(
            routes(one="listen: '127.0.0.1:9000'") + senders("name: a, listen: '0.0.0.0:9000'"),
            "senders.0.listen: is the same address as routes.one.listen",
            id="a sender's listener over a route's",
        ),
        pytest.param(
            ONE + senders("name: a, listen: '127.0.0.1:9000'", "name: b, listen: 'localhost:9000'"),
            "senders.1.listen: is the same address as senders.0.listen",
            id="two senders on one listener",
        ),
    ],
)
def test_what_does_not_go_together_is_a_fault(text: str, fault: str) -> None:
    """Values that contradict each other are one fault at the later of them, and no key is repeated in it."""
    faults = told(text)
    assert len(faults) == 1, faults
    assert faults[0].startswith(fault)
    assert "hunter2" not in faults[0]


def test_a_key_of_aws_needs_what_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra that signs, a route that has to sign is a fault that says what to install."""
    monkeypatch.setitem(sys.modules, "botocore", None)
    (says,) = told(signed(AWS))
    assert says.startswith("routes.one.auth: needs botocore, which is not installed: ")
    assert told(signed(AWS, "sandbox")) == []


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        pytest.param(PEPPER + ONE, [], id="nothing"),
        pytest.param(ONE, ["store.pepper: is empty"], id="no pepper"),
        pytest.param(PEPPER + WIDE + ONE, ["listen.proxy: is open to other machines"], id="no senders"),
        pytest.param(PEPPER + WIDE + ONE + SENDER, [], id="senders"),
        pytest.param(
            PEPPER + routes(one="listen: '0.0.0.0:9'"), ["routes.one.listen: is open"], id="a route's listener"
        ),
        pytest.param(PEPPER + "listen: {public: '0.0.0.0:9'}", [], id="a public door"),
        pytest.param(
            PEPPER + signed("host: aws.test"), ["routes.one.auth: is none: what a sender signed"], id="no key"
        ),
        pytest.param(PEPPER + "policy: {mode: shadow}\n" + ONE, ["routes.one.mode: is shadow"], id="shadow mode"),
        pytest.param(
            PEPPER + "policy: {mode: shadow}\n" + routes(one="mode: enforce"), [], id="shadow mode of no route"
        ),
        *(
            pytest.param(PEPPER + routes(one=f"{key}: pass"), [f"routes.one.{key}: is pass"], id=key)
            for key in ("on_unreadable", "on_unknown_request", "on_store_error")
        ),
        pytest.param(
            PEPPER + "routes: {one: {provider: sendgrid, upstream: 'HTTP://example.com'}}",
            ["routes.one.upstream: is plain http"],
            id="plain http",
        ),
        pytest.param(
            PEPPER + "routes: {one: {provider: sendgrid, upstream: 'http://127.0.0.1:9'}}",
            [],
            id="plain http to loopback",
        ),
        pytest.param(
            PEPPER + ONE + senders("name: a, listen: '0.0.0.0:9'"),
            ["senders.0.listen: is all this sender is known by"],
            id="a sender known by an open listener",
        ),
        pytest.param(PEPPER + ONE + senders("name: a, key: k, listen: '0.0.0.0:9'"), [], id="a sender with a key too"),
        pytest.param(
            PEPPER + heard("mandrill", "key: k"),
            ["routes.one.webhook: is signed with its own address"],
            id="no address",
        ),
        pytest.param(PEPPER + heard("mailgun", "key: k"), [], id="an address that nobody signs"),
        pytest.param(PEPPER + LINKS, ["public_url: is empty"], id="links that lead nowhere"),
        pytest.param(PEPPER + LINKS + "public_url: http://x.example", ["public_url: is plain http"], id="plain links"),
        pytest.param(PEPPER + LINKS + "public_url: http://127.0.0.1:82", [], id="plain links to loopback"),
        pytest.param(PEPPER + LINKS + "public_url: https://x.example", [], id="links"),
    ],
)
def test_what_deserves_a_look_is_a_warning(text: str, warnings: list[str]) -> None:
    """What is allowed but dangerous is told apart from faults, with its key path."""
    found = config_warnings(tree(text))
    assert len(found) == len(warnings), found
    assert all(one.startswith(start) for one, start in zip(found, warnings, strict=True)), found


BEFORE = (
    PEPPER + routes(one="listen: '127.0.0.1:1'", two="") + senders("name: a, listen: '127.0.0.1:2'", "name: b, key: k")
)


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        pytest.param("", "", [], id="nothing"),
        pytest.param("upstream: sandbox", "upstream: https://x", [], id="an upstream"),
        pytest.param("127.0.0.1:1", "127.0.0.1:3", ["routes.one.listen"], id="a route's address"),
        pytest.param("listen: '127.0.0.1:1'", "", ["routes.one.listen"], id="a route's address taken away"),
        pytest.param("127.0.0.1:2", "127.0.0.1:3", ["senders.a.listen"], id="a sender's address"),
        pytest.param("store: {", "store: {path: other.db, ", ["store.path"], id="the store"),
        pytest.param("PEPPER", "OTHER", ["store.pepper"], id="the pepper"),
        pytest.param("\nroutes:", "\nlisten: {ops: '127.0.0.1:3'}\nroutes:", ["listen.ops"], id="a door"),
        pytest.param(
            "\nroutes:",
            "\nlisten: {ops: {address: '127.0.0.1:8083', tls: {cert: c, key: k}}}\nroutes:",
            ["listen.ops"],
            id="a door that begins to speak TLS",
        ),
        pytest.param("senders:", "senders:\n- {name: c, key: c, routes: []}", [], id="senders that move in their list"),
    ],
)
def test_some_changes_need_a_restart(old: str, new: str, paths: list[str]) -> None:
    """The key paths that cannot change while the gate runs are named, in both directions, and no others."""
    before, after = tree(BEFORE), tree(BEFORE.replace(old, new))
    assert list(needs_restart(before, after)) == paths
    assert list(needs_restart(after, before)) == paths


def test_a_certificates_other_file_needs_no_restart() -> None:
    """A listener that speaks TLS may be given other files while it runs."""
    text = "listen: {{ops: {{address: '127.0.0.1:8083', tls: {{cert: {0}, key: {0}}}}}}}"
    assert needs_restart(tree(text.format("a")), tree(text.format("b"))) == ()
