"""The envelope of Amazon SNS: which are believed, which certificate is fetched, and what confirms a subscription."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from proxy.hooks import ses
from proxy.hooks.base import Forged, Secrets

if TYPE_CHECKING:
    from types import ModuleType

NOW = 1_800_000_000
HOST = "https://sns.eu-west-1.amazonaws.com"


def _samples() -> ModuleType:
    spec = importlib.util.spec_from_file_location("envelopes_of_ses", Path(__file__).parent / "ses.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


samples = _samples()


def posted(**more: Any) -> Any:
    """Make a request with other fields in its envelope, signed; None takes a field away."""
    return samples.posted(samples.enveloped("Hello", NOW, **more))


def check(hook: Any, *, topics: tuple[str, ...] = (samples.TOPIC,), fetched: bytes | None = None) -> None:
    """Check a request with the certificate that it names."""
    ses.check(hook, Secrets((), topics), NOW, fetched or samples.FETCHED[samples.URL])


CONFIRM = f"{HOST}/?Action=ConfirmSubscription&TopicArn={samples.TOPIC}&Token=t"


@pytest.mark.parametrize(
    "hook",
    [
        pytest.param(posted(), id="a notification"),
        pytest.param(posted(SignatureVersion="1"), id="the older hash"),
        pytest.param(posted(Subject="Amazon SES"), id="a subject"),
        pytest.param(posted(Type="SubscriptionConfirmation", Token="t", SubscribeURL=CONFIRM), id="a confirmation"),
        pytest.param(posted(Type="UnsubscribeConfirmation", Token="t", SubscribeURL=CONFIRM), id="an end"),
    ],
)
def test_what_sns_signs_is_believed(hook: Any) -> None:
    """Each kind of envelope passes with its own fields signed."""
    assert ses.needs(hook) == samples.URL
    check(hook)


@pytest.mark.parametrize(
    "hook",
    [
        pytest.param(posted(SignatureVersion="2", Type="Other"), id="another kind"),
        pytest.param(samples.posted({**samples.enveloped("a", NOW), "SignatureVersion": "3"}), id="another version"),
        pytest.param(samples.posted({**samples.enveloped("a", NOW), "Subject": "b"}), id="a subject more"),
        pytest.param(samples.posted({**samples.enveloped("a", NOW), "Subject": 7}), id="a subject that is none"),
        pytest.param(samples.posted({**samples.enveloped("a", NOW), "Signature": "?"}), id="no signature"),
        pytest.param(posted(TopicArn=f"{samples.TOPIC}-2"), id="another topic"),
        pytest.param(posted(Timestamp="now"), id="no time"),
        pytest.param(samples.posted([]), id="no envelope"),
        pytest.param(replace(posted(), body=orjson.dumps({"eventType": "Bounce"})), id="raw delivery"),
    ],
)
def test_what_sns_did_not_sign_for_us_is_forged(hook: Any) -> None:
    """Other envelopes, topics and signatures are not believed."""
    with pytest.raises(Forged):
        check(hook)


def test_a_topic_must_be_known() -> None:
    """Without topics in the configuration nothing is believed, though anybody's topic has a signature of SNS."""
    with pytest.raises(Forged):
        check(posted(), topics=())


@pytest.mark.parametrize("fetched", [b"x", samples.FETCHED[samples.URL][:-40]])
def test_a_certificate_must_be_one(fetched: bytes) -> None:
    """What was fetched and is no certificate proves nothing."""
    with pytest.raises(Forged):
        check(posted(), fetched=fetched)


def test_a_certificate_must_be_valid() -> None:
    """A certificate counts in its own time."""
    with pytest.raises(Forged):
        ses.check(samples.sign(b"{}", 2_300_000_000), samples.SECRETS, 2_300_000_000, samples.FETCHED[samples.URL])


@pytest.mark.parametrize(
    "url",
    [
        samples.URL.replace("https", "http"),
        samples.URL.replace("amazonaws.com", "amazonaws.com.example.com"),
        samples.URL.replace("sns.", "evil-sns."),
        samples.URL.replace("sns.eu-west-1", "sns.us-east-1"),
        samples.URL.replace("https://", "https://evil.example/@"),
        samples.URL.replace(".pem", ".pem?x"),
        f"{HOST}/../x.pem",
        None,
    ],
)
def test_no_other_address_is_asked_for_a_certificate(url: str | None) -> None:
    """The certificate comes from SNS's own host, in the region of the topic."""
    with pytest.raises(Forged):
        ses.needs(posted(SigningCertURL=url))


@pytest.mark.parametrize(
    ("kind", "url", "confirms"),
    [
        pytest.param("SubscriptionConfirmation", CONFIRM, True, id="a subscription"),
        pytest.param("UnsubscribeConfirmation", CONFIRM, False, id="its end, which is not taken back"),
        pytest.param("Notification", CONFIRM, False, id="a notification"),
        pytest.param("SubscriptionConfirmation", CONFIRM.replace("https", "http"), False, id="no TLS"),
        pytest.param(
            "SubscriptionConfirmation", "https://evil.example/?Action=ConfirmSubscription&a=b", False, id="else"
        ),
        pytest.param("SubscriptionConfirmation", f"{HOST}/?Action=DeleteTopic&a=b", False, id="another action"),
        pytest.param("SubscriptionConfirmation", None, False, id="nothing"),
    ],
)
def test_a_subscription_is_confirmed_at_sns(kind: str, url: str | None, confirms: bool) -> None:  # noqa: FBT001  a column of the table
    """A subscription is confirmed where SNS says, if that is SNS; nothing is learned of it."""
    hook = posted(Type=kind, Token="t", SubscribeURL=url)
    assert ses.confirm(hook) == (url if confirms else None)
    assert ses.read(hook) == () or kind == "Notification"
    assert ses.confirm(replace(hook, body=b"x")) is None
