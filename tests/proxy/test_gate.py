"""Which route a request takes, who sends it, and what the two may say about it."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from tests.conftest import (
    ACCEPTED,
    FORM,
    JSON,
    MAIL,
    TEXT,
    OpenGate,
    Pair,
    RunningGate,
    Upstream,
    mail_body,
    request,
    text_body,
)

A = "a@example.com"
PHONE = "+4915112345678"
LOCAL = ("Host", "localhost")
RECEIPT: dict[str, Any] = {"mail": {"transactional": {"markers": {"categories": ["receipt"]}}}}
ALWAYS: dict[str, Any] = {"mail": {"transactional": {"always": True}}}


# ── who may say what ──

SENDERS: list[dict[str, Any]] = [
    {"name": "shop", "key": "shop-key", "routes": ["mail"], "may_claim": ["transactional"], "business_units": ["DE"]},
    {"name": "news", "key": "news-key", "routes": ["mail"]},
]


@pytest.mark.parametrize(
    ("routes", "sender", "claim", "fields", "expected"),
    [
        pytest.param({}, "news", None, {}, (400, 0), id="nobody says so"),
        pytest.param(ALWAYS, "news", None, {}, (202, 0), id="the route says so"),
        pytest.param(RECEIPT, "news", None, {"categories": ["receipt"]}, (202, 0), id="a marker says so"),
        pytest.param(RECEIPT, "news", None, {"categories": ["Receipt"]}, (400, 0), id="a marker in another case"),
        pytest.param(RECEIPT, "news", None, {"categories": ["x", "receipt"]}, (202, 0), id="one marker of two"),
        pytest.param({}, "news", None, {"categories": ["receipt"]}, (400, 0), id="a marker that nobody configured"),
        pytest.param({}, "shop", "transactional", {}, (202, 0), id="a sender that may"),
        pytest.param({}, "shop", " Transactional ", {}, (202, 0), id="in any case, with blanks"),
        pytest.param({}, "shop", "marketing", {}, (400, 0), id="a sender that may says marketing"),
        pytest.param({}, "shop", "urgent", {}, (400, 0), id="a class that there is not"),
        pytest.param({}, "news", "transactional", {}, (400, 1), id="a sender that may not"),
        pytest.param(ALWAYS, "news", "transactional", {}, (202, 1), id="one that may not, where the route says so"),
    ],
)
async def test_who_may_say_transactional(
    open_gate: OpenGate,
    routes: dict[str, Any],
    sender: str,
    claim: str | None,
    fields: dict[str, Any],
    expected: tuple[int, int],
) -> None:
    """The route, a configured marker and a sender that may claim it make a send transactional; other claims count."""
    gate = await open_gate(routes=routes, senders=SENDERS)
    await gate.tell("Opt Out", email=A)
    headers = [("X-Sendgate-Key", f"{sender}-key")] + ([("X-Sendgate-Class", claim)] if claim else [])
    answer = await gate.mail(A, headers=headers, **fields)
    assert (answer.status, gate.metric("sendgate_claims_ignored_total", route="mail")) == expected


async def test_a_claim_without_senders_is_ignored(gate: RunningGate) -> None:
    """Where anybody may send, nobody may claim."""
    await gate.tell("Opt Out", email=A)
    assert (await gate.mail(A, headers=[("X-Sendgate-Class", "transactional")])).status == 400
    assert gate.metric("sendgate_claims_ignored_total", route="mail") == 1


@pytest.mark.parametrize(
    ("route_unit", "sender", "header", "status"),
    [
        pytest.param("", "shop", None, 400, id="no unit: the strictest holds"),
        pytest.param("US", "shop", None, 202, id="the route's unit has no opt-out"),
        pytest.param("DE", "shop", None, 400, id="the route's unit has one"),
        pytest.param("FR", "shop", None, 400, id="a unit where nobody has the address"),
        pytest.param("DE", "shop", "US", 400, id="the route's unit beats the header"),
        pytest.param("US", "shop", "DE", 202, id="the route's unit beats the header of a sender that may"),
        pytest.param("", "us", "US", 202, id="a sender names a unit that it lists"),
        pytest.param("", "us", "DE", 400, id="a sender names a unit that it does not list"),
        pytest.param("", "news", "US", 400, id="a sender that lists none"),
    ],
)
async def test_business_units_narrow_opt_outs(
    open_gate: OpenGate, route_unit: str, sender: str, header: str | None, status: int
) -> None:
    """An opt-out counts in its own unit; which unit a send is of says the route, else a sender that lists it."""
    us = {"name": "us", "key": "us-key", "routes": ["mail"], "business_units": ["US"]}
    gate = await open_gate(routes={"mail": {"business_unit": route_unit}}, senders=[*SENDERS, us])
    await gate.user("1", email=A, businessUnit="DE")
    await gate.user("2", email=A, businessUnit="US")
    await gate.tell("Opt Out", id="1")
    headers = [("X-Sendgate-Key", f"{sender}-key")] + ([("X-Sendgate-Business-Unit", header)] if header else [])
    assert (await gate.mail(A, headers=headers)).status == status


@pytest.mark.parametrize("unit", ["", "US"])
async def test_a_blacklisting_counts_in_every_unit(open_gate: OpenGate, unit: str) -> None:
    """Whoever has the address is blacklisted in some unit: nothing is sent in any."""
    gate = await open_gate(routes={"mail": {"business_unit": unit}})
    await gate.user("1", email=A, businessUnit="DE")
    await gate.user("2", email=A, businessUnit="US")
    await gate.tell("Blacklisted", id="1")
    assert (await gate.mail(A)).status == 400


async def test_an_opt_out_of_the_empty_unit_counts_everywhere(open_gate: OpenGate) -> None:
    """An opt-out without a unit stops the sends of every unit."""
    gate = await open_gate(routes={"mail": {"business_unit": "US"}})
    await gate.user("2", email=A, businessUnit="US")
    await gate.tell("Opt Out", email=A)
    assert (await gate.mail(A)).status == 400


# ── routes ──


async def test_the_first_segment_names_the_route(gate: RunningGate, upstream: Upstream) -> None:
    """What stands behind the route's name goes to the provider as it came, query and all."""
    for target in (f"{MAIL}", f"{MAIL}?", f"{MAIL}?a=b&a=%2f", f"{MAIL}/"):
        assert (await gate.post(f"/mail{target}", mail_body(A), JSON)).status == 202
    assert [message.target for message in upstream.heard] == [MAIL, f"{MAIL}?", f"{MAIL}?a=b&a=%2f", f"{MAIL}/"]


@pytest.mark.parametrize(
    "target", ["/", "/nowhere", "/MAIL/v3/mail/send", "//mail/v3/mail/send", "/m%61il/v3/mail/send"]
)
async def test_no_route_is_a_404(gate: RunningGate, upstream: Upstream, target: str) -> None:
    """A path that names no route is answered 404 and counted, and leads nowhere."""
    answer = await gate.post(target, mail_body(A), JSON)
    assert (answer.status, answer.get("X-Sendgate-Outcome"), upstream.heard) == (404, "refused", [])
    assert "route" in answer.json["error"]
    assert gate.metric("sendgate_sends_total", route="none", outcome="refused") == 1


async def test_a_base_path_stands_in_front(open_gate: OpenGate, upstream: Upstream) -> None:
    """The upstream's own base path is put in front of the provider's path."""
    gate = await open_gate(routes={"mail": {"upstream": f"{upstream.url}/tenant/1"}})
    await gate.mail(A)
    assert upstream.heard[0].target == f"/tenant/1{MAIL}"


@pytest.mark.parametrize("host", ["mail.example.com", "MAIL.example.com", "mail.example.com:8080", "mail.example.com."])
async def test_a_host_leads_to_its_route(open_gate: OpenGate, upstream: Upstream, host: str) -> None:
    """A route that claims a host takes everything for it, without a prefix; the provider hears its own host."""
    gate = await open_gate(routes={"mail": {"host": ["mail.example.com"]}})
    assert (await gate.post(MAIL, mail_body(A), JSON, ("Host", host))).status == 202
    assert (upstream.heard[0].target, upstream.heard[0].get("Host")) == (MAIL, upstream.url.removeprefix("http://"))


async def test_a_host_that_nobody_claims(open_gate: OpenGate, upstream: Upstream) -> None:
    """Under any other host the path decides, and a host is never half of another."""
    gate = await open_gate(routes={"mail": {"host": ["mail.example.com"]}})
    for host in ("example.com", "x.mail.example.com", "mail.example.com.evil.test"):
        assert (await gate.post(MAIL, mail_body(A), JSON, ("Host", host))).status == 404
        assert (await gate.post(f"/mail{MAIL}", mail_body(A), JSON, ("Host", host))).status == 202
    assert len(upstream.heard) == 3


async def test_a_listener_leads_to_its_route(open_gate: OpenGate, upstream: Upstream) -> None:
    """A route's own listener takes everything for it, whatever path and host say."""
    gate = await open_gate(routes={"mail": {"listen": "127.0.0.1:0"}, "text": {"host": ["text.example.com"]}})
    door = "routes.mail"
    assert (await gate.post(MAIL, mail_body(A), JSON, ("Host", "text.example.com"), door=door)).status == 202
    assert (await gate.post(f"/text{TEXT}", text_body(PHONE), FORM, door=door)).status == 400
    assert [message.target for message in upstream.heard] == [MAIL]


# ── senders ──


def bearer(token: str) -> Pair:
    """Write a provider's credential."""
    return "Authorization", f"Bearer {token}"


def basic(pair: str) -> Pair:
    """Write a credential of name and password."""
    return "Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"


def sha256(text: str) -> str:
    """Give what the configuration says of a credential."""
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("known_by", "header", "status"),
    [
        pytest.param({"key": ["new", "old"]}, ("X-Sendgate-Key", "new"), 202, id="the new key"),
        pytest.param({"key": ["new", "old"]}, ("X-Sendgate-Key", "old"), 202, id="the old key, during rotation"),
        pytest.param({"key": "new"}, ("X-Sendgate-Key", "old"), 403, id="another key"),
        pytest.param({"key": "new"}, ("X-Sendgate-Key", ""), 403, id="an empty key"),
        pytest.param({"key": "new"}, ("X-Sendgate-Key", "\xff\xfe"), 403, id="a key that is no text"),
        pytest.param({"key": "new"}, ("X-Other", "new"), 403, id="no key"),
        pytest.param({"key": "new"}, bearer("new"), 403, id="the key in another header"),
        pytest.param({"credential_sha256": sha256("SG.x")}, bearer("SG.x"), 202, id="a bearer token's hash"),
        pytest.param({"credential_sha256": sha256("Bearer SG.x")}, bearer("SG.x"), 202, id="the whole header's hash"),
        pytest.param(
            {"credential_sha256": [sha256("a"), sha256("b")]}, bearer("b"), 202, id="the second of two hashes"
        ),
        pytest.param({"credential_sha256": sha256("AC1:pw")}, basic("AC1:pw"), 202, id="name and password"),
        pytest.param({"credential_sha256": sha256("pw")}, basic("AC1:pw"), 202, id="the password alone"),
        pytest.param({"credential_sha256": sha256("SG.x")}, bearer("SG.y"), 403, id="another credential"),
        pytest.param({"credential_sha256": sha256("")}, ("Authorization", "Bearer "), 403, id="nothing behind Bearer"),
        pytest.param({"credential_sha256": sha256("x")}, ("Authorization", "Basic ***"), 403, id="no base64"),
        pytest.param({"credential_sha256": sha256("x")}, ("Authorization", "\xff \xff"), 403, id="no text at all"),
    ],
)
async def test_who_is_known(
    open_gate: OpenGate, upstream: Upstream, known_by: dict[str, Any], header: Pair, status: int
) -> None:
    """A sender is known by its key or by the hash of the credential it sends anyway; everybody else is refused."""
    gate = await open_gate(senders=[{"name": "shop", "routes": ["mail"], **known_by}])
    answer = await gate.mail(A, headers=[header])
    assert (answer.status, len(upstream.heard)) == ((202, 1) if status == 202 else (403, 0))
    assert await gate.reasons() == ([] if status == 202 else ["sender_refused"])


async def test_a_wrong_key_is_not_saved_by_a_credential(open_gate: OpenGate) -> None:
    """Whoever shows a key that is wrong is refused, although the credential would do."""
    gate = await open_gate(
        senders=[{"name": "shop", "key": "k", "credential_sha256": sha256("SG"), "routes": ["mail"]}]
    )
    assert (await gate.mail(A, headers=[bearer("SG")])).status == 202
    assert (await gate.mail(A, headers=[bearer("SG"), ("X-Sendgate-Key", "x")])).status == 403


async def test_a_sender_has_its_routes(open_gate: OpenGate) -> None:
    """A known sender may use the routes that list it and no other."""
    gate = await open_gate(senders=[{"name": "shop", "key": "k", "routes": ["mail"]}])
    assert (await gate.mail(A, headers=[("X-Sendgate-Key", "k")])).status == 202
    assert (await gate.text(PHONE, headers=[("X-Sendgate-Key", "k")])).status == 403


async def test_a_sender_has_its_listener(open_gate: OpenGate) -> None:
    """Whoever comes by a sender's own listener is that sender, with its routes, unless it shows a wrong key."""
    gate = await open_gate(senders=[{"name": "shop", "listen": "127.0.0.1:0", "routes": ["mail"]}])
    door = "senders.shop"
    await gate.tell("Blacklisted", email=A)
    assert (await gate.post(f"/mail{MAIL}", mail_body("b@example.com"), JSON, door=door)).status == 202
    assert (await gate.post(f"/mail{MAIL}", mail_body(A), JSON, door=door)).status == 400
    assert (await gate.post(f"/text{TEXT}", text_body(PHONE), FORM, door=door)).status == 403
    assert (await gate.post(f"/mail{MAIL}", mail_body(A), JSON, ("X-Sendgate-Key", "x"), door=door)).status == 403
    assert (await gate.mail(A)).status == 403
    assert {record["sender"] for record in await gate.records(reason="blacklisted")} == {"shop"}


async def test_refusing_a_sender_in_the_providers_shape(open_gate: OpenGate) -> None:
    """Each provider's SDK can read why its sender may not send."""
    gate = await open_gate(senders=[{"name": "shop", "key": "k", "routes": ["mail"]}])
    mail, text = await gate.mail(A), await gate.text(PHONE)
    assert (mail.status, mail.json["errors"][0]["field"]) == (403, None)
    assert (text.status, text.json["code"], text.json["status"]) == (403, 20403, 403)
    assert mail.get("X-Sendgate-Reasons") == text.get("X-Sendgate-Reasons") == "sender_refused"


async def test_an_unknown_sender_may_not_even_read(open_gate: OpenGate, upstream: Upstream) -> None:
    """Where senders are configured, harmless requests need one too."""
    gate = await open_gate(senders=[{"name": "shop", "key": "k", "routes": ["mail"]}])
    assert (await gate.ask(b"GET /mail/v3/templates HTTP/1.1\r\nHost: a\r\n\r\n")).status == 403
    assert upstream.heard == []


@pytest.mark.parametrize(
    "name", ["X-Sendgate-Key", "X-Sendgate-Class", "X-Sendgate-Business-Unit", "Authorization", "Content-Encoding"]
)
async def test_a_deciding_header_stands_once(gate: RunningGate, upstream: Upstream, name: str) -> None:
    """Where a header that decides something stands twice, nobody guesses which one was meant."""
    answer = await gate.mail(A, headers=[(name, "a"), (name.lower(), "a")])
    assert (answer.status, upstream.heard, await gate.reasons()) == (400, [], ["unreadable"])


# ── credentials that the gate holds ──


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        pytest.param({"kind": "bearer", "token": "T"}, "Authorization", "Bearer T", id="bearer"),
        pytest.param(
            {"kind": "basic", "username": "AC1", "password": "pw"}, "Authorization", "Basic QUMxOnB3", id="basic"
        ),
        pytest.param({"kind": "header", "name": "X-Api-Key", "value": "V"}, "X-Api-Key", "V", id="header"),
    ],
)
async def test_the_gate_shows_its_own_credential(
    open_gate: OpenGate, upstream: Upstream, auth: dict[str, str], name: str, value: str
) -> None:
    """A route with a credential sends that one and none that the sender gave; its answers say nothing of it."""
    gate = await open_gate(routes={"mail": {"auth": auth}})
    given = [LOCAL, bearer("sender's own"), ("x-api-key", "sender's own"), ("X-Kept", "k")]
    headers = [pair for pair in given if pair[0].lower() in (name.lower(), "authorization", "x-kept", "host")]
    answer = await gate.mail(A, headers=headers)
    (sent,) = upstream.heard
    assert (sent.all(name), sent.get("X-Kept")) == ([value], "k")
    assert "sender's own" not in str(sent.headers)
    assert answer.status == 202


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param([("Host", "localhost:8080")], 202, id="a local name"),
        pytest.param([("Host", "127.0.0.1")], 202, id="a local address"),
        pytest.param([("Host", "evil.test")], 403, id="a name that somebody made lead here"),
        pytest.param([("Host", "localhost"), ("Origin", "http://localhost")], 403, id="a web page"),
        pytest.param([("Host", "localhost"), ("Sec-Fetch-Site", "cross-site")], 403, id="a web page, elsewhere"),
    ],
)
async def test_no_web_page_sends_with_the_gates_credential(
    open_gate: OpenGate, upstream: Upstream, headers: list[Pair], status: int
) -> None:
    """A route with a credential that needs no sender is for programs of this machine, not for its browsers."""
    gate = await open_gate(routes={"mail": {"auth": {"kind": "bearer", "token": "T"}}})
    assert ((await gate.mail(A, headers=headers)).status, len(upstream.heard)) == (status, int(status == 202))


async def test_a_known_sender_uses_the_gates_credential(open_gate: OpenGate, upstream: Upstream) -> None:
    """Where senders are known, the credential is theirs to use under any name of the gate."""
    senders = [{"name": "shop", "key": "k", "routes": ["mail"]}]
    gate = await open_gate(routes={"mail": {"auth": {"kind": "bearer", "token": "T"}}}, senders=senders)
    assert (await gate.mail(A, headers=[("X-Sendgate-Key", "k"), ("Host", "gate.example.com")])).status == 202
    assert (await gate.mail(A, headers=[LOCAL])).status == 403
    assert [message.get("Authorization") for message in upstream.heard] == ["Bearer T"]


def on_behalf(account: str, *more: Pair) -> list[Pair]:
    return [("X-Sendgate-Key", "k"), ("on_behalf-of", account), *more]


@pytest.mark.parametrize(
    ("may", "headers", "status"),
    [
        pytest.param([], on_behalf("shop-7"), 403, id="none is named in the configuration"),
        pytest.param(["shop-7"], on_behalf("shop-7"), 202, id="one that the sender may name"),
        pytest.param(["shop-7"], on_behalf("Shop-7"), 403, id="another one"),
        pytest.param(["shop-7"], on_behalf("shop-7", ("On-Behalf-Of", "shop-7")), 403, id="twice"),
        pytest.param(["*"], on_behalf("anybody"), 202, id="any"),
        pytest.param(["*"], on_behalf("anybody", ("On-Behalf-Of", "somebody")), 403, id="two of any"),
        pytest.param(["shop-7"], on_behalf(""), 403, id="an empty one"),
    ],
)
async def test_another_account_beside_the_gates_credential(
    open_gate: OpenGate, upstream: Upstream, may: list[str], headers: list[Pair], status: int
) -> None:
    """Under a credential that is not the sender's own, only accounts that the configuration names are acted for."""
    senders = [{"name": "shop", "key": "k", "routes": ["mail"], "subaccounts": may}]
    gate = await open_gate(routes={"mail": {"auth": {"kind": "bearer", "token": "T"}}}, senders=senders)
    answer = await gate.mail(A, headers=headers)
    assert (answer.status, len(upstream.heard)) == (status, int(status == 202))
    assert answer.get("X-Sendgate-Reasons") == (None if status == 202 else "sender_refused")


OWN, OTHER = f"AC{'a' * 32}", f"AC{'b' * 32}"
TWILIO_AUTH = {"kind": "basic", "username": OWN, "password": "pw"}


def messages(account: str, more: str = "/Messages.json") -> str:
    return f"/text/2010-04-01/Accounts/{account}{more}"


@pytest.mark.parametrize(
    ("auth", "may", "target", "status"),
    [
        pytest.param(TWILIO_AUTH, [], messages(OWN), 202, id="the credential's own"),
        pytest.param(TWILIO_AUTH, [OTHER], messages(OWN), 202, id="its own beside one that may be named"),
        pytest.param(TWILIO_AUTH, [], messages(OTHER), 403, id="another one"),
        pytest.param(TWILIO_AUTH, [OTHER], messages(OTHER), 202, id="one that the sender may name"),
        pytest.param(TWILIO_AUTH, ["*"], messages(OTHER), 202, id="any"),
        pytest.param(TWILIO_AUTH, [OWN], messages(OTHER), 403, id="another than the sender may name"),
        pytest.param(TWILIO_AUTH, [""], messages(OTHER), 403, id="none is named in the configuration"),
        pytest.param({**TWILIO_AUTH, "account": OTHER}, [], messages(OTHER), 202, id="the one that is configured"),
        pytest.param(
            {**TWILIO_AUTH, "account": OTHER}, [], messages(OWN), 403, id="the user's, where one is configured"
        ),
        pytest.param(
            {"kind": "basic", "username": "SK1", "password": "pw", "account": OWN}, [], messages(OWN), 202, id="a key's"
        ),
        pytest.param({"kind": "bearer", "token": "t", "account": OWN}, [], messages(OTHER), 403, id="not a token's"),
    ],
)
async def test_another_account_in_the_path_beside_the_gates_credential(
    open_gate: OpenGate, upstream: Upstream, auth: dict[str, str], may: list[str], target: str, status: int
) -> None:
    """Where the path names the account, it is the credential's own, or one that the sender may name."""
    senders = [{"name": "shop", "key": "k", "routes": ["text"], "subaccounts": may}]
    gate = await open_gate(routes={"text": {"auth": auth}}, senders=senders)
    answer = await gate.post(target, text_body(PHONE), FORM, ("X-Sendgate-Key", "k"))
    assert (answer.status, len(upstream.heard)) == (status, int(status == 202))
    assert answer.get("X-Sendgate-Reasons") == (None if status == 202 else "sender_refused")
    assert await gate.reasons() == ([] if status == 202 else ["sender_refused"])


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
@pytest.mark.parametrize(
    ("method", "target"),
    [
        pytest.param("POST", messages(OTHER), id="a send"),
        pytest.param("GET", messages(OTHER), id="to read who got what"),
        pytest.param("POST", messages(OTHER, f"/Messages/SM{'1' * 32}.json"), id="to cancel"),
        pytest.param("DELETE", messages(OTHER, f"/Messages/SM{'1' * 32}"), id="to delete"),
        pytest.param("GET", messages(OTHER, ".json"), id="the account itself"),
        pytest.param("POST", messages(OTHER, "/Calls.json"), id="what may pass by name"),
        pytest.param("POST", f"/text/2010-04-01/accounts/{OTHER}/Messages.json", id="in small letters"),
        pytest.param("POST", f"/text/2010-04-01/Accounts/{OWN};x={OTHER}/Messages.json", id="behind a parameter"),
        pytest.param("POST", f"/text/2010-04-01//Accounts/{OTHER}/Messages.json", id="behind two slashes"),
        pytest.param("POST", messages(f"{OWN}/../{OTHER}"), id="by a detour"),
        pytest.param("POST", messages(f"%41{OTHER[1:]}"), id="escaped"),
        pytest.param("GET", messages(OWN, f"/Accounts/{OTHER}.json"), id="behind the credential's own"),
    ],
)
async def test_no_request_is_about_another_account(
    open_gate: OpenGate, upstream: Upstream, mode: str, method: str, target: str
) -> None:
    """Whatever a request would do, in whichever spelling and with whichever switch, it is not about another account."""
    settings = {
        "auth": TWILIO_AUTH,
        "mode": mode,
        "on_unknown_request": "pass",
        "allow_paths": ["/2010-04-01/Accounts/*/Calls.json"],
    }
    gate = await open_gate(routes={"text": settings}, senders=[{"name": "shop", "key": "k", "routes": ["text"]}])
    body = text_body(PHONE) if method == "POST" else b""
    headers = [("X-Sendgate-Key", "k"), *([FORM] if body else [])]
    answer = await gate.ask(request(method, target, headers, body))
    assert (answer.status, b"20403" in answer.body, upstream.heard) == (403, True, [])
    assert answer.get("X-Sendgate-Reasons") == "sender_refused"
    assert gate.metric("sendgate_sends_total", route="text", outcome="refused") == 1


async def test_an_account_that_passes_by_name_is_the_credentials_own(open_gate: OpenGate, upstream: Upstream) -> None:
    """The format at the end of a path is none of the account's name."""
    settings = {"auth": TWILIO_AUTH, "allow_paths": ["/2010-04-01/Accounts/*"]}
    gate = await open_gate(routes={"text": settings})
    for path, status in ((f"{OWN}.json", 202), (OWN, 202), (f"{OTHER}.json", 403), (f"{OWN}.exe", 403)):
        answer = await gate.ask(request("GET", f"/text/2010-04-01/Accounts/{path}", [LOCAL]))
        assert answer.status == status
    assert len(upstream.heard) == 2


async def test_beside_a_credential_of_its_own_a_sender_names_any_account(gate: RunningGate, upstream: Upstream) -> None:
    """Where the provider sees the sender's own credential, it decides which accounts that opens."""
    assert (await gate.post(messages(OTHER), text_body(PHONE), FORM, basic(f"{OWN}:pw"))).status == 202
    assert upstream.heard[0].get("Authorization") == basic(f"{OWN}:pw")[1]


async def test_nobody_names_another_account_where_anybody_may_send(open_gate: OpenGate, upstream: Upstream) -> None:
    """Without senders, nobody may act for another account, and nobody reads from one."""
    gate = await open_gate(routes={"mail": {"auth": {"kind": "bearer", "token": "T"}}})
    assert (await gate.mail(A, headers=[LOCAL, ("On-Behalf-Of", "x")])).status == 403
    read = request("GET", "/mail/v3/templates", [LOCAL, ("On-Behalf-Of", "x")])
    assert ((await gate.ask(read)).status, upstream.heard) == (403, [])


async def test_whoever_shows_a_credential_names_the_account(gate: RunningGate, upstream: Upstream) -> None:
    """Beside a credential of the sender's own, the account that it names goes on."""
    assert (await gate.mail(A, headers=[bearer("SG.x"), ("On-Behalf-Of", "x")])).status == 202
    assert upstream.heard[0].get("On-Behalf-Of") == "x"


async def test_without_a_credential_the_senders_goes_on(gate: RunningGate, upstream: Upstream) -> None:
    """A route without a credential of its own hands on what the sender shows; what is the gate's own stays here."""
    own = [("X-Sendgate-Campaign", "c"), ("X-Sendgate-Anything", "x"), ("x-sendgate-class", "marketing")]
    await gate.mail(A, headers=[bearer("SG.x"), *own])
    assert upstream.heard[0].get("Authorization") == "Bearer SG.x"
    assert not [name for name, _ in upstream.heard[0].headers if name.lower().startswith(b"x-sendgate")]


async def test_what_a_neighbour_means_stays_with_it(gate: RunningGate, upstream: Upstream) -> None:
    """Hop-by-hop headers, and whatever Connection names, do not go on in either direction."""
    upstream.answer = ACCEPTED.replace(b"\r\n\r\n", b"\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-End: 1\r\n\r\n")
    hop = [("Connection", "Near, keep-alive"), ("Near", "1"), ("Keep-Alive", "1"), ("TE", "x"), ("Trailer", "x")]
    answer = await gate.mail(A, headers=[*hop, ("X-Far", "1"), ("X-Far", "2")])
    (sent,) = upstream.heard
    assert (sent.all("X-Far"), sent.all("Near"), sent.all("Keep-Alive"), sent.all("TE")) == (["1", "2"], [], [], [])
    assert (answer.get("X-End"), answer.all("X-Hop")) == ("1", [])
