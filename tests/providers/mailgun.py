"""Mailgun's table of samples: requests and what must come of them, for test_conformance.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from email.utils import getaddresses
from typing import Any
from urllib.parse import parse_qsl, urlencode

from multidict import CIMultiDict, CIMultiDictProxy

from policy.model import Channel
from policy.reasons import Reason
from proxy.providers import mailgun
from proxy.providers.base import Provider, Refusal, Request

PROVIDER: Provider = mailgun
FORMAT = "form"
UNTYPED = False  # there are two kinds of form, and the type tells which
REPEATABLE = frozenset({"to", "cc", "bcc", "o:tag", "attachment", "inline"})
SECRETS = ("a2V5LXRvcC1zZWNyZXQ",)

# https://github.com/mailgun/mailgun-mcp-server; of a stored mail it says that there is one `to`.
SCHEMAS = "/components/schemas/POST-v3-domain"
SPEC: dict[str, Any] = {
    "file": "mailgun/openapi.yaml",
    "schema": f"{SCHEMAS}_name-messages-multipart-form-data-RequestBody",
    "errata": {},
}
OF_MIME = f"{SCHEMAS}_name-messages-mime-multipart-form-data-RequestBody"
OF_STORED = f"{SCHEMAS}s-domain_name-messages-storage_key-multipart-form-data-RequestBody"

MAIL = Channel.MAIL
FORM = "application/x-www-form-urlencoded"
BOUNDARY = "x-4c1e"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
PATH = "/v3/mail.example.com/messages"
TEXT = [("from", "Shop <shop@mail.example.com>"), ("subject", "Grüße & more"), ("text", "Hello; you=me\n")]
DOMAIN = {"domain": ("mail.example.com",)}
FRIDAY, AT = "Fri, 14 Oct 2033 12:00:00 +0000", 2012904000.0

Pair = tuple[str, str | bytes]


# ── building and taking apart ──


def headers(content_type: str) -> CIMultiDictProxy[str]:
    """Give the headers of a request."""
    pairs = {"Authorization": f"Basic {SECRETS[0]}", "Content-Type": content_type}
    return CIMultiDictProxy(CIMultiDict(pairs))


def post(body: bytes, content_type: str = FORM, path: str = PATH) -> Request:
    """Give a send with this body."""
    return Request("POST", path, "", headers(content_type), body)


def form(*pairs: tuple[str, str], path: str = PATH) -> Request:
    """Give a send as a URL-encoded form."""
    return post(urlencode([*pairs, *TEXT]).encode(), path=path)


def part(name: str, content: str | bytes) -> bytes:
    """Give a part of a form; bytes are a file."""
    file = f'; filename="{name}"\r\nContent-Type: application/octet-stream' if isinstance(content, bytes) else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + (content if isinstance(content, bytes) else content.encode()) + b"\r\n"


def multipart(*pairs: Pair, path: str = PATH) -> Request:
    """Give a send as a multipart form."""
    body = b"".join(part(*pair) for pair in pairs) + f"--{BOUNDARY}--\r\n".encode()
    return post(body, MULTIPART, path)


def mime(message: str, *pairs: Pair) -> Request:
    """Give a send of a raw mail."""
    raw = message.replace("\n", "\r\n").encode()
    return multipart(*pairs, ("message", raw), path=f"{PATH}.mime")


def people(**variables: Any) -> tuple[str, str]:
    """Give variables by recipient; two underscores stand for the sign in an address."""
    return "recipient-variables", json.dumps(
        {name.replace("__", "@") + ".io": said for name, said in variables.items()}
    )


def pairs_of(request: Request) -> list[Pair]:
    """Take a form of either kind apart."""
    if request.headers["Content-Type"] == FORM:
        return list(parse_qsl(request.body.decode(), keep_blank_values=True))
    return list(parts_of(request.body))


def parts_of(body: bytes) -> Iterator[Pair]:
    """Take a multipart form apart."""
    for piece in (b"\r\n" + body).split(f"\r\n--{BOUNDARY}".encode())[1:-1]:
        head, _, content = piece.partition(b"\r\n\r\n")
        name = re.findall(rb' name="([^"]*)"', head)[0].decode()
        yield name, content if b"filename" in head else content.decode()


def rebuilt(request: Request, pairs: Iterable[Pair]) -> Request:
    """Give the request with another form."""
    if request.headers["Content-Type"] == FORM:
        return replace(request, body=urlencode(list(pairs)).encode())
    return replace(request, body=multipart(*pairs).body)


def described(request: Request) -> dict[str, Any]:
    """Give a form as Mailgun's description sees it: an object, with arrays for what may repeat."""
    stored = "/messages/" in request.path.removesuffix("/")
    found: dict[str, Any] = {}
    for name, value in pairs_of(request):
        text = value.decode(errors="replace") if isinstance(value, bytes) else value
        found[name] = [*found.get(name, ()), text] if name in REPEATABLE and not stored else text
    return found


_COMMA = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')  # outside quotes


def put(request: Request, place: str, address: str) -> Request:
    """Put an address at a place of a sample."""
    name, number = place.split(".")
    pairs, seen = pairs_of(request), 0
    for index, (field, value) in enumerate(pairs):
        if field != name or not isinstance(value, str):
            continue
        elements = _COMMA.split(value)
        at = int(number) - seen
        seen += len(elements)
        if 0 <= at < len(elements):
            elements[at] = address
            pairs[index] = (field, ",".join(elements))
    return rebuilt(request, pairs)


def pieces(request: Request) -> Iterator[str]:
    """Take a send apart: addresses and variables one by one, headers of a raw mail too."""
    for name, value in pairs_of(request):
        if isinstance(value, bytes) and name == "message":
            yield from mail_pieces(value)
        elif name in ("to", "cc", "bcc"):
            yield from (f"{name}: {each}" for each in getaddresses([str(value)]))
        elif name == "recipient-variables":
            yield from variable_pieces(str(value))
        else:
            yield f"{name}={value!r}"


def mail_pieces(raw: bytes) -> Iterator[str]:
    """Take a raw mail apart."""
    head, _, body = raw.decode().partition("\r\n\r\n")
    yield f"body {body}"
    for line in re.sub(r"\r\n(?=[ \t])", "", head).split("\r\n"):
        name, _, value = line.partition(": ")
        if name in ("To", "Cc"):
            yield from (f"{name}: {each}" for each in getaddresses([value]))
        elif name == "X-Mailgun-Recipient-Variables":
            yield from variable_pieces(value)
        else:
            yield line


def variable_pieces(text: str) -> Iterator[str]:
    """Take variables by recipient apart, numbers in their spelling."""
    tree = json.loads(text, parse_float=str, parse_int=str)
    yield "variables"
    yield from (f"variables of {address}: {said}" for address, said in tree.items())


# ── sends ──

BATCH = json.dumps({"Ada@X.io": {"n": 1.10}, "bob@x.io": {"n": 12345678901234567890}, "eve@x.io": {}})
BATCH_LEFT = b'{"bob@x.io":{"n":12345678901234567890},"eve@x.io":{}}'

RAW = (
    'To: Ada <ada@x.io>, "Bob, B." <bob@x.io>\nCc: cy@x.io\nX-Mailgun-Tag: receipt\nX-Mailgun-Tag: spring\n'
    "Subject: Hi\n\nHello\nTo: nobody@x.io\n"
)

SENDS: dict[str, dict[str, Any]] = {
    "one recipient": {
        "request": form(("to", '"Ada, Countess" <Ada@X.io>')),
        "recipients": [("to.0", MAIL, "ada@x.io")],
        "markers": DOMAIN,
    },
    "to, cc and bcc, repeated and in lists": {
        "request": form(
            ("to", "ada@x.io"), ("cc", "cy@x.io, di@x.io"), ("to", "Bob <bob@x.io>,eve@x.io"), ("bcc", "fay@x.io")
        ),
        "recipients": [
            ("to.0", MAIL, "ada@x.io"),
            ("cc.0", MAIL, "cy@x.io"),
            ("cc.1", MAIL, "di@x.io"),
            ("to.1", MAIL, "bob@x.io"),
            ("to.2", MAIL, "eve@x.io"),
            ("bcc.0", MAIL, "fay@x.io"),
        ],
        "markers": DOMAIN,
        "removal": {
            "places": {"to.0", "cc.1", "to.1", "bcc.0"},
            "body": b"cc=cy%40x.io&to=eve%40x.io&" + urlencode(TEXT).encode(),
        },
    },
    "the same in parts": {
        "request": multipart(("to", "ada@x.io"), ("cc", "cy@x.io"), ("to", "bob@x.io, di@x.io"), *TEXT),
        "recipients": [
            ("to.0", MAIL, "ada@x.io"),
            ("cc.0", MAIL, "cy@x.io"),
            ("to.1", MAIL, "bob@x.io"),
            ("to.2", MAIL, "di@x.io"),
        ],
        "format": "multipart",
        "markers": DOMAIN,
        "removal": {
            "places": {"to.0", "cc.0", "to.2"},
            "body": multipart(("to", "bob@x.io"), *TEXT).body,
        },
    },
    "attachments": {
        "request": multipart(
            ("to", "ada@x.io,bob@x.io"),
            *TEXT,
            ("attachment", b"to=x\r\n\x00\xff"),
            ("attachment", b""),
            ("inline", b"i"),
        ),
        "recipients": [("to.0", MAIL, "ada@x.io"), ("to.1", MAIL, "bob@x.io")],
        "format": "multipart",
        "markers": DOMAIN,
        "removal": {
            "places": {"to.1"},
            "body": multipart(
                ("to", "ada@x.io"), *TEXT, ("attachment", b"to=x\r\n\x00\xff"), ("attachment", b""), ("inline", b"i")
            ).body,
        },
    },
    "variables by recipient": {
        "request": form(("to", "ada@x.io"), ("to", "bob@x.io"), ("recipient-variables", BATCH)),
        "recipients": [("to.0", MAIL, "ada@x.io"), ("to.1", MAIL, "bob@x.io")],
        "markers": DOMAIN,
        "removal": {
            "places": {"to.0"},
            "body": urlencode([("to", "bob@x.io"), ("recipient-variables", BATCH_LEFT), *TEXT]).encode(),
        },
    },
    "variables of somebody at two places": {
        "request": form(("to", "ada@x.io,Bob@x.io"), ("cc", "ADA@x.io"), people(ada__x={"n": 1}, bob__x={"n": 2})),
        "recipients": [("to.0", MAIL, "ada@x.io"), ("to.1", MAIL, "bob@x.io"), ("cc.0", MAIL, "ada@x.io")],
        "markers": DOMAIN,
        "removal": {
            "places": {"to.0"},
            "body": form(("to", "Bob@x.io"), ("cc", "ADA@x.io"), people(ada__x={"n": 1}, bob__x={"n": 2})).body,
        },
    },
    "variables of nobody": {
        "request": form(("to", "ada@x.io,bob@x.io"), ("recipient-variables", "{}")),
        "recipients": [("to.0", MAIL, "ada@x.io"), ("to.1", MAIL, "bob@x.io")],
        "markers": DOMAIN,
        "removal": {"places": {"to.0"}, "body": form(("to", "bob@x.io"), ("recipient-variables", "{}")).body},
    },
    "no variables": {
        "request": form(("to", "ada@x.io"), ("recipient-variables", "")),
        "recipients": [("to.0", MAIL, "ada@x.io")],
        "markers": DOMAIN,
    },
    "markers": {
        "request": form(
            ("to", "ada@x.io"),
            ("o:tag", "receipt"),
            ("o:tag", "spring"),
            ("v:campaign", "spring"),
            ("v:note", "two\nlines"),
            ("h:X-Kind", "order"),
            ("h:Reply-To", "shop@mail.example.com"),
            ("template", "order"),
            ("o:sending-ip-pool", "p1"),
        ),
        "recipients": [("to.0", MAIL, "ada@x.io")],
        "markers": {
            **DOMAIN,
            "o:tag": ("receipt", "spring"),
            "v:campaign": ("spring",),
            "v:note": ("two\nlines",),
            "h:X-Kind": ("order",),
            "template": ("order",),
            "o:sending-ip-pool": ("p1",),
        },
        "campaign": "spring",
    },
    "a schedule": {
        "request": form(("to", "ada@x.io"), ("cc", "cy@x.io"), ("o:deliverytime", FRIDAY)),
        "recipients": [("to.0", MAIL, "ada@x.io", AT), ("cc.0", MAIL, "cy@x.io", AT)],
        "markers": DOMAIN,
    },
    "a time that Mailgun picks": {
        "request": form(("to", "ada@x.io"), ("o:deliverytime-optimize-period", "72h"), ("o:deliverytime", "")),
        "recipients": [("to.0", MAIL, "ada@x.io", None, 72 * 3600.0)],
        "markers": DOMAIN,
    },
    "the recipient's own time": {
        "request": form(("to", "ada@x.io"), ("o:time-zone-localize", "09:00"), ("o:deliverytime", FRIDAY)),
        "recipients": [("to.0", MAIL, "ada@x.io", AT, 24 * 3600.0)],
        "markers": DOMAIN,
    },
    "a raw mail": {
        "request": mime(RAW, ("to", "ada@x.io"), ("to", "bob@x.io"), ("bcc", "fay@x.io"), ("o:tag", "order")),
        "recipients": [("to.0", MAIL, "ada@x.io"), ("to.1", MAIL, "bob@x.io"), ("bcc.0", MAIL, "fay@x.io")],
        "schema": OF_MIME,
        "format": "multipart",
        "markers": {**DOMAIN, "o:tag": ("order", "receipt", "spring")},
        "removal": {
            "places": {"to.0"},
            "body": mime(
                RAW.replace("Ada <ada@x.io>, ", ""), ("to", "bob@x.io"), ("bcc", "fay@x.io"), ("o:tag", "order")
            ).body,
        },
    },
    "a raw mail that shows one person alone": {
        "request": mime("Cc: Ada@x.io\nTo: undisclosed-recipients:;\n\nHi\n", ("to", "ada@x.io"), ("to", "bob@x.io")),
        "recipients": [("to.0", MAIL, "ada@x.io"), ("to.1", MAIL, "bob@x.io")],
        "schema": OF_MIME,
        "format": "multipart",
        "markers": DOMAIN,
        "removal": {
            "places": {"to.0"},
            "body": mime("To: undisclosed-recipients:;\n\nHi\n", ("to", "bob@x.io")).body,
        },
    },
    "a raw mail with variables and a schedule": {
        "request": mime(
            f"To: %recipient%\nX-Mailgun-Recipient-Variables: {BATCH}\nX-Mailgun-Deliver-By: {FRIDAY}\n"
            "X-Mailgun-Delivery-Time-Optimize-Period: 24h\n\nHi\n",
            ("to", "ada@x.io, bob@x.io"),
        ),
        "recipients": [("to.0", MAIL, "ada@x.io", AT, 86400.0), ("to.1", MAIL, "bob@x.io", AT, 86400.0)],
        "schema": OF_MIME,
        "format": "multipart",
        "markers": DOMAIN,
        "removal": {
            "places": {"to.0"},
            "body": mime(
                'To: %recipient%\nX-Mailgun-Recipient-Variables: { "bob@x.io": { "n": 12345678901234567890 },\n'
                f' "eve@x.io": {{}} }}\nX-Mailgun-Deliver-By: {FRIDAY}\n'
                "X-Mailgun-Delivery-Time-Optimize-Period: 24h\n\nHi\n",
                ("to", "bob@x.io"),
            ).body,
        },
    },
    "a stored mail": {
        "request": form(("to", "ada@x.io, bob@x.io"), path="/v3/domains/mail.example.com/messages/AwAB-x_y=="),
        "recipients": [("to.0", MAIL, "ada@x.io"), ("to.1", MAIL, "bob@x.io")],
        "schema": OF_STORED,
        "markers": DOMAIN,
        "removal": {"places": {"to.1"}, "body": form(("to", "ada@x.io")).body},
    },
    "addresses without a key": {
        "request": form(("to", "ada, bob@x.io, Eve <>")),
        "recipients": [("to.0", MAIL, None), ("to.1", MAIL, "bob@x.io"), ("to.2", MAIL, None)],
        "markers": DOMAIN,
    },
    "other alphabets": {
        "request": form(("to", "=?utf-8?q?Gr=C3=BC=C3=9Fe?= <ada@bücher.example>, Юля <юля@x.io>")),
        "recipients": [("to.0", MAIL, "ada@xn--bcher-kva.example"), ("to.1", MAIL, "юля@x.io")],
        "markers": DOMAIN,
    },
    "a trailing slash": {
        "request": form(("to", "ada@x.io"), path=f"{PATH}/"),
        "recipients": [("to.0", MAIL, "ada@x.io")],
        "markers": DOMAIN,
    },
}

# ── requests that are no sends ──

HARMLESS: dict[str, Request] = {
    "to read what happened": Request("GET", "/v3/mail.example.com/events", "to=ann%40x.io"),
    "to purge what is scheduled": Request("DELETE", "/v3/mail.example.com/envelopes"),
    "to read a stored mail": Request("GET", "/v3/domains/mail.example.com/messages/AwAB"),
    "an unsubscribe": Request("POST", "/v3/mail.example.com/unsubscribes"),
    "a list of bounces": Request("POST", "/v3/mail.example.com/bounces/import"),
    "a template": Request("POST", "/v3/mail.example.com/templates"),
    "a version of a template": Request("PUT", "/v3/mail.example.com/templates/order/versions/2"),
    "to leave a list": Request("DELETE", "/v3/lists/news@mail.example.com/members/ann@x.io"),
    "tracking": Request("PUT", "/v3/domains/mail.example.com/tracking/open"),
    "a domain": Request("PUT", "/v4/domains/mail.example.com/verify"),
    "a tag": Request("PUT", "/v3/mail.example.com/tag"),
    "metrics": Request("POST", "/v1/analytics/metrics"),
    "a validation": Request("POST", "/v4/address/validate"),
}

HIDDEN: dict[str, Request] = {
    "a test of inbox placement": Request("POST", "/v4/inbox/tests"),
    "the same, before": Request("POST", "/v3/inbox/tests"),
    "an activation mail": Request("POST", "/v5/accounts/resend_activation_email"),
}

GUARDED: dict[str, Request] = {
    "the webhooks": Request("GET", "/v3/domains/mail.example.com/webhooks"),
    "a webhook": Request("POST", "/v3/domains/mail.example.com/webhooks"),
    "a webhook elsewhere": Request("PUT", "/v4/domains/mail.example.com/webhooks"),
    "no webhook any more": Request("DELETE", "/v3/domains/mail.example.com/webhooks/unsubscribed"),
    "a webhook of the account": Request("POST", "/v1/webhooks"),
    "the key that signs webhooks": Request("GET", "/v5/accounts/http_signing_key"),
    "the key that signs alerts": Request("GET", "/v1/alerts/settings"),
    "a key": Request("POST", "/v1/keys"),
    "a key that is taken back": Request("DELETE", "/v1/keys/1"),
    "a subaccount": Request("POST", "/v5/accounts/subaccounts"),
    "a subaccount that is gone": Request("DELETE", "/v5/accounts/subaccounts"),
    "the users": Request("GET", "/v5/users"),
    "from where the account may be used": Request("POST", "/v2/ip_whitelist"),
    "somebody who may test": Request("POST", "/v5/sandbox/auth_recipients", "email=ann%40x.io"),
    "a domain, with a password": Request("GET", "/v4/domains/mail.example.com"),
    "a domain, and a password for SMTP": Request("POST", "/v4/domains"),
    "credentials for SMTP": Request("POST", "/v3/domains/mail.example.com/credentials"),
    "no more credentials for SMTP": Request("DELETE", "/v3/domains/mail.example.com/credentials/shop"),
    "no links to unsubscribe": Request("PUT", "/v3/domains/mail.example.com/tracking/unsubscribe"),
    "to forget a complaint": Request("DELETE", "/v3/mail.example.com/complaints/ann@x.io"),
    "to forget all bounces": Request("DELETE", "/v3/mail.example.com/bounces"),
    "to forget an unsubscribe": Request("DELETE", "/v3/mail.example.com/unsubscribes/ann@x.io"),
    "an address that is never suppressed": Request("POST", "/v3/mail.example.com/whitelists"),
}

UNKNOWN: dict[str, Request] = {
    "the key by a detour": Request("GET", "/v3/x/../../v5/accounts/http_signing_key"),
    "a list": Request("POST", "/v3/lists"),
    "a member of a list": Request("POST", "/v3/lists/news@mail.example.com/members"),
    "many members": Request("POST", "/v3/lists/news@mail.example.com/members.json"),
    "a route that forwards": Request("POST", "/v3/routes"),
    "an alert": Request("POST", "/v1/thresholds/alerts/send"),
    "the API before": Request("POST", "/v2/mail.example.com/messages"),
    "a stored mail without a key": Request("POST", "/v3/domains/mail.example.com/messages"),
    "a send by PUT": Request("PUT", PATH),
    "a send in another case": Request("POST", "/v3/mail.example.com/Messages"),
    "a send as JSON": Request("POST", f"{PATH}.json"),
    "no path": Request("POST", "/"),
}


# ── sends that cannot be read ──


def spoiled(*pairs: tuple[str, str]) -> Request:
    """Give a send to Ada with further fields."""
    return form(("to", "ada@x.io"), *pairs)


def raw(message: str) -> Request:
    """Give a raw mail to Ada."""
    return mime(message, ("to", "ada@x.io"))


MUTE = Reason.UNREADABLE

UNREADABLE: dict[str, tuple[Request, str, Reason]] = {
    "nothing": (post(b""), "to", Reason.NO_RECIPIENT),
    "nobody": (form(), "to", Reason.NO_RECIPIENT),
    "copies alone": (form(("cc", "ada@x.io"), ("bcc", "bob@x.io")), "to", Reason.NO_RECIPIENT),
    "commas alone": (form(("to", " , ,")), "to", Reason.NO_RECIPIENT),
    "JSON": (post(b'{"to":"ada@x.io"}', "application/json"), "", MUTE),
    "no type": (replace(form(("to", "ada@x.io")), headers=CIMultiDictProxy(CIMultiDict())), "", MUTE),
    "a group": (form(("to", "all: ada@x.io, bob@x.io;")), "", MUTE),
    "a semicolon": (form(("to", "ada@x.io; bob@x.io")), "", MUTE),
    "a name that is an address": (form(("to", "bob@x.io <ada@x.io>")), "", MUTE),
    "a line break in a list": (form(("to", "ada@x.io\r\nBcc: bob@x.io")), "", MUTE),
    "To": (spoiled(("To", "bob@x.io")), "", MUTE),
    "to[]": (form(("to[]", "ada@x.io")), "", MUTE),
    "to[0]": (form(("to[0]", "ada@x.io")), "", MUTE),
    "bcc with a zero-width space": (spoiled(("bcc\u200b", "bob@x.io")), "", MUTE),
    "to in full width": (spoiled(("ｔｏ", "bob@x.io")), "", MUTE),
    "cc in the query": (replace(spoiled(), query="cc=bob%40x.io"), "", MUTE),
    "a header in the query": (replace(spoiled(), query="h:Bcc=bob%40x.io"), "", MUTE),
    "to behind a semicolon": (post(b"to=ada%40x.io&text=a;to=bob%40x.io"), "", MUTE),
    "to as a file": (multipart(("to", "ada@x.io"), ("cc", b"bob@x.io")), "cc", MUTE),
    "two subjects": (form(("to", "ada@x.io"), ("subject", "a")), "", MUTE),
    "two sets of variables": (spoiled(("recipient-variables", "{}"), ("recipient-variables", "{}")), "", MUTE),
    "variables as list": (spoiled(("recipient-variables", "[]")), "recipient-variables", MUTE),
    "variables that are no JSON": (spoiled(("recipient-variables", "x")), "", MUTE),
    "variables twice for one address": (spoiled(("recipient-variables", '{"a@x.io":{},"A@x.io":{}}')), "", MUTE),
    "a header Bcc": (spoiled(("h:Bcc", "bob@x.io")), "h:Bcc", MUTE),
    "a header bcc": (spoiled(("h:bcc", "bob@x.io")), "", MUTE),
    "a header To": (spoiled(("h:To", "bob@x.io")), "h:To", MUTE),
    "a header resent_cc": (spoiled(("h:resent_cc", "bob@x.io")), "", MUTE),
    "a header with variables": (
        spoiled(("h:X-Mailgun-Recipient-Variables", "{}")),
        "h:X-Mailgun-Recipient-Variables",
        MUTE,
    ),
    "a header with a schedule": (spoiled(("h:X-Mailgun-Deliver-By", FRIDAY)), "h:X-Mailgun-Deliver-By", MUTE),
    "a header in a header": (spoiled(("h:X-A", "1\r\nBcc: bob@x.io")), "", MUTE),
    "a header in a header's name": (spoiled(("h:X-A: 1\r\nBcc", "bob@x.io")), "", MUTE),
    "a header without a name": (spoiled(("h:", "1")), "", MUTE),
    "a header in the subject": (post(b"to=ada%40x.io&subject=Hi%0ABcc:+bob%40x.io"), "", MUTE),
    "a header in a tag": (spoiled(("o:tag", "a\rBcc: bob@x.io")), "", MUTE),
    "a time without zone": (spoiled(("o:deliverytime", "Fri, 14 Oct 2033 12:00:00")), "o:deliverytime", MUTE),
    "a time in seconds": (spoiled(("o:deliverytime", "2012904000")), "o:deliverytime", MUTE),
    "two times": (spoiled(("o:deliverytime", FRIDAY), ("o:deliverytime", FRIDAY)), "", MUTE),
    "a time in another case": (spoiled(("O:DeliveryTime", FRIDAY)), "", MUTE),
    "a period in days": (spoiled(("o:deliverytime-optimize-period", "3d")), "o:deliverytime-optimize-period", MUTE),
    "a raw mail in a form": (replace(form(("to", "ada@x.io"), ("message", "To: ada")), path=f"{PATH}.mime"), "", MUTE),
    "no mail": (multipart(("to", "ada@x.io"), path=f"{PATH}.mime"), "message", MUTE),
    "an empty mail": (raw(""), "message", MUTE),
    "Message": (replace(multipart(("to", "ada@x.io"), ("Message", b"To: a\n\n")), path=f"{PATH}.mime"), "", MUTE),
    "a raw mail without headers": (raw("\nHello\n"), "", MUTE),
    "two headers To": (raw("To: ada@x.io\nTo: bob@x.io\n\nHi\n"), "To", MUTE),
    "a header that looks like variables": (raw("X_Mailgun_Recipient_Variables: {}\n\nHi\n"), "", MUTE),
    "a raw mail with a bad time": (raw("X-Mailgun-Deliver-By: soon\n\nHi\n"), "o:deliverytime", MUTE),
    "a raw mail with two times": (
        raw(f"X-Mailgun-Deliver-By: {FRIDAY}\nX-Mailgun-Deliver-By: {FRIDAY}\n\nHi\n"),
        "X-Mailgun-Deliver-By",
        MUTE,
    ),
    "a raw mail with a bare line feed": (
        multipart(("to", "ada@x.io"), ("message", b"To: a\r\nX: b\nBcc: c\r\n\r\n"), path=f"{PATH}.mime"),
        "",
        MUTE,
    ),
}

# ── answers ──

REFUSALS: dict[str, dict[str, Any]] = {
    "recipients": {
        "request": form(("to", "ada@x.io")),
        "refusal": Refusal(Reason.BLACKLISTED, "no", None, ("to.0", "cc.1")),
        "status": 400,
        "content_type": "application/json",
        "body": b'{"message":"no (to.0, cc.1)"}',
    },
    "no place": {
        "request": post(b""),
        "refusal": Refusal(Reason.STORE_UNAVAILABLE, "later", 503),
        "status": 503,
        "content_type": "application/json",
        "body": b'{"message":"later"}',
    },
    "more places than anybody reads": {
        "request": form(),
        "refusal": Refusal(Reason.BLACKLISTED, "no", None, ("to.0",) * 1000),
        "status": 400,
        "content_type": "application/json",
        "body": b'{"message":"no (' + b", ".join([b"to.0"] * 100) + b')"}',
    },
}

ACCEPTED: dict[str, dict[str, Any]] = {
    "a send": {
        "request": form(("to", "ada@x.io")),
        "status": 200,
        "content_type": "application/json",
        "body": r'\{"id":"<[0-9a-f]{32}@mail\.example\.com>","message":"Queued\. Thank you\."\}',
    },
}
