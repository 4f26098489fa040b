"""Whose link is where, over any mails to anybody: seen in the bodies alone, without the readers of the gate."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.linking.base import Result, Wanted
from proxy.providers import base as providers
from proxy.providers.base import Request, Settings
from tests.linking.conftest import linking
from tests.linking.urls import PLACEHOLDER, link

HEADERS = CIMultiDictProxy(CIMultiDict({"Content-Type": "application/json"}))
PEOPLE = ("ada@x.io", "ADA@x.io", "bob@x.io", "cy@x.io")
TEXT = f"Leave: {PLACEHOLDER}"

Envelope = tuple[list[str], list[str], list[str]]  # to, cc and bcc of one mail


@dataclass(frozen=True)
class Builder:
    """How a provider's request holds several mails: the path, the list of them in the body, and what all share."""

    path: str
    mails: str  # the key of the list, "" where the body is the list
    write: Callable[[Envelope], dict[str, Any]]
    shared: dict[str, Any]

    def request(self, envelopes: list[Envelope]) -> Request:
        """Write a request with these mails."""
        mails = [self.write(each) for each in envelopes]
        body = {**self.shared, self.mails: mails} if self.mails else mails
        return Request("POST", self.path, "", HEADERS, json.dumps(body).encode())

    def parts(self, body: bytes) -> tuple[list[str], str]:
        """Give the text of each mail, and of all that is no mail's own."""
        tree = json.loads(body)
        mails = tree.pop(self.mails) if self.mails else tree
        return [json.dumps(each) for each in mails], json.dumps(tree) if self.mails else ""


def lists(names: tuple[str, str, str], key: str, envelope: Envelope, **more: Any) -> dict[str, Any]:
    """Write a mail with lists of objects; an empty list has no key."""
    people = {name: [{key: each} for each in told] for name, told in zip(names, envelope, strict=True) if told}
    return {**people, **more}


def texts(names: tuple[str, str, str], envelope: Envelope, **more: Any) -> dict[str, Any]:
    """Write a mail with lists of texts."""
    return {**{name: told for name, told in zip(names, envelope, strict=True) if told}, **more}


def joined(names: tuple[str, str, str], envelope: Envelope, **more: Any) -> dict[str, Any]:
    """Write a mail with lists in one text each."""
    return {**{name: ", ".join(told) for name, told in zip(names, envelope, strict=True) if told}, **more}


LOWER, UPPER = ("to", "cc", "bcc"), ("To", "Cc", "Bcc")
SES = ("ToAddresses", "CcAddresses", "BccAddresses")
BUILDERS: dict[str, Builder] = {
    "sendgrid": Builder(
        "/v3/mail/send",
        "personalizations",
        lambda each: lists(LOWER, "email", each),
        {"from": {"email": "s@x.io"}, "content": [{"type": "text/html", "value": TEXT}]},
    ),
    "postmark": Builder("/email/batch", "", lambda each: joined(UPPER, each, From="s@x.io", TextBody=TEXT), {}),
    "resend": Builder("/emails/batch", "", lambda each: {"from": "s@x.io", "text": TEXT, **texts(LOWER, each)}, {}),
    "mailjet": Builder(
        "/v3.1/send",
        "Messages",
        lambda each: lists(UPPER, "Email", each, TextPart=TEXT),
        {"Globals": {"HTMLPart": TEXT}},
    ),
    "brevo": Builder(
        "/v3/smtp/email",
        "messageVersions",
        lambda each: lists(LOWER, "email", each),
        {"sender": {"email": "s@x.io"}, "textContent": TEXT},
    ),
    "ses": Builder(
        "/v2/email/outbound-bulk-emails",
        "BulkEmailEntries",
        lambda each: {"Destination": texts(SES, each)},
        {"DefaultContent": {"Template": {"TemplateContent": {"Text": TEXT}}}},
    ),
    "sparkpost": Builder(
        "/api/v1/transmissions",
        "recipients",
        lambda each: {"address": each[0][0]},
        {"options": {"transactional": True}, "content": {"from": "s@x.io", "subject": "Hi", "text": TEXT}},
    ),
}

SOME = st.lists(st.sampled_from(PEOPLE), max_size=2)
ENVELOPES = st.lists(
    st.tuples(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=2), SOME, SOME), min_size=1, max_size=4
)


def people(envelope: Envelope) -> set[str]:
    """Give who gets a mail."""
    return {each.lower() for told in envelope for each in told}


@pytest.mark.parametrize("provider_name", BUILDERS)
@settings(max_examples=150)
@given(envelopes=ENVELOPES)
def test_a_link_is_where_one_person_reads_it(provider_name: str, envelopes: list[Envelope]) -> None:
    """A mail to one person has their link and no other, one to several has none, nor has what several mails share."""
    builder, provider = BUILDERS[provider_name], providers.load(provider_name)
    if provider_name == "sparkpost":
        envelopes = [(to[:1], [], []) for to, _, _ in envelopes]
    message = provider.read(builder.request(envelopes), Settings())
    urls = {each.place: link(each.keys[0]) for each in message.send.recipients}
    linked = linking(provider_name).linked(message, Wanted(urls, headers=True, placeholder=PLACEHOLDER, instead=True))
    alone = [next(iter(found)) if len(found := people(each)) == 1 else None for each in envelopes]
    mails, rest = builder.parts(linked.body or message.request.body)
    for one, mail in zip(alone, mails, strict=True):
        assert _links(mail) <= ({link(one)} if one else set())
        assert one is None or link(one) in mail or link(one) in rest
    assert _links(rest) <= ({link(alone[0])} if len(envelopes) == 1 and alone[0] else set())
    expected = sum(len([*each[0], *each[1], *each[2]]) for each, one in zip(envelopes, alone, strict=True) if one)
    assert linked.results.get(Result.INSERTED, 0) == expected


def _links(text: str) -> set[str]:
    return set(re.findall(r"https://gate\.test/u/[\w-]+", text))
