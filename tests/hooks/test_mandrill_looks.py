"""Mandrill looks whether a webhook answers before it has a key to sign with."""

from __future__ import annotations

import base64
import hmac

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.hooks import mandrill
from proxy.hooks.base import Forged, Hook, Secrets

URL = "https://gate.example.com/webhooks/mail"


def signed(body: str, text: str) -> Hook:
    """Sign a form as Mandrill does while it looks."""
    signature = base64.b64encode(hmac.digest(b"test-webhook", f"{URL}{text}".encode(), "sha1")).decode()
    return Hook("POST", URL, CIMultiDictProxy(CIMultiDict({"X-Mandrill-Signature": signature})), body.encode())


@pytest.mark.parametrize("keys", [(), ("webhook-key",)])
def test_an_empty_request_is_believed(keys: tuple[str, ...]) -> None:
    """Signed with the key that everybody knows, it says nothing about anybody."""
    hook = signed("mandrill_events=%5B%5D", "mandrill_events[]")
    mandrill.check(hook, Secrets(keys), 0.0, None)
    assert mandrill.read(hook) == ()


@pytest.mark.parametrize("field", ["mandrill_events=%5B1%5D", "mandrill_events=%5B%5D&x=1", "x=%5B%5D"])
def test_nothing_else_is(field: str) -> None:
    """With that key nothing else is believed."""
    texts = {"mandrill_events=%5B1%5D": "mandrill_events[1]", "x=%5B%5D": "x[]"}
    with pytest.raises(Forged):
        mandrill.check(signed(field, texts.get(field, "mandrill_events[]x1")), Secrets(("webhook-key",)), 0.0, None)
