"""A marker is what the provider itself reads: the same word where it reads nothing makes no send transactional."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.providers import base
from proxy.providers.base import Request, Settings

MAILJET = {"From": {"Email": "promo@example.com"}, "To": [{"Email": "ada@example.com"}]}
MANDRILL = {"to": [{"email": "ada@example.com"}]}
BREVO = {"sender": {"email": "shop@example.com"}, "to": [{"email": "ada@example.com"}], "subject": "s"}
SIMPLE = {
    "FromEmailAddress": "promo@example.com",
    "Destination": {"ToAddresses": ["ada@example.com"]},
    "Content": {"Simple": {"Subject": {"Data": "s"}, "Body": {}}},
}


@pytest.mark.parametrize(
    ("provider", "path", "body", "marker"),
    [
        pytest.param(
            "postmark",
            "/email/bulk",
            {"MessageStream": "news", "Messages": [{"To": "ada@example.com", "MessageStream": "outbound"}]},
            "MessageStream",
            id="the stream of one message in a bulk send, beside that of all",
        ),
        pytest.param(
            "postmark",
            "/email/bulk",
            {"Messages": [{"To": "ada@example.com", "MessageStream": "outbound", "Tag": "receipt"}]},
            "MessageStream",
            id="the stream of one message in a bulk send, alone",
        ),
        pytest.param(
            "mailjet",
            "/v3.1/send",
            {"Messages": [{**MAILJET, "Mj-campaign": "receipt"}]},
            "CustomCampaign",
            id="the campaign as v3 spells it, in v3.1",
        ),
        pytest.param(
            "mailjet",
            "/v3/send",
            {"FromEmail": "promo@example.com", "To": "ada@example.com", "CustomCampaign": "receipt"},
            "CustomCampaign",
            id="the campaign as v3.1 spells it, in v3",
        ),
        pytest.param(
            "mailjet",
            "/v3.1/send",
            {"Globals": {"From": MAILJET["From"]}, "Messages": [{"To": MAILJET["To"], "From.Email": "receipt"}]},
            "From.Email",
            id="the marker's name as a key",
        ),
        pytest.param(
            "mailjet",
            "/v3.1/send",
            {"Globals": {"From": MAILJET["From"]}, "Messages": [{"To": MAILJET["To"], "FromEmail": "receipt"}]},
            "From.Email",
            id="the sender as v3 spells it, in v3.1",
        ),
        pytest.param(
            "mandrill",
            "/api/1.0/messages/send",
            {"message": MANDRILL, "template_name": "receipt"},
            "template_name",
            id="a template where none is used",
        ),
        pytest.param(
            "mandrill",
            "/api/1.0/messages/send-template",
            {"message": {**MANDRILL, "template_name": "receipt"}, "template_name": "promo"},
            "template_name",
            id="a template in the message",
        ),
        pytest.param(
            "mandrill",
            "/api/1.0/messages/send",
            {"message": MANDRILL, "tags": ["receipt"]},
            "tags",
            id="tags beside the message",
        ),
        pytest.param(
            "mandrill",
            "/api/1.0/messages/send",
            {"message": MANDRILL, "metadata": {"kind": "receipt"}},
            "metadata.kind",
            id="metadata beside the message",
        ),
        pytest.param(
            "brevo",
            "/v3/smtp/email",
            {**BREVO, "headers": {"X-Mailin-Tag": "promo", "X_Mailin_Tag": "receipt"}},
            "headers.X-Mailin-Tag",
            id="a header that looks like Brevo's",
        ),
        pytest.param(
            "ses",
            "/v2/email/outbound-emails",
            {**SIMPLE, "Template": "receipt"},
            "TemplateName",
            id="a template where the content is another",
        ),
        pytest.param(
            "ses",
            "/v2/email/outbound-emails",
            {**SIMPLE, "TemplateName": "receipt"},
            "TemplateName",
            id="the template of another operation",
        ),
        pytest.param(
            "ses",
            "/v2/email/outbound-emails",
            {**SIMPLE, "Tags": [{"Name": "kind", "Value": "receipt"}]},
            "EmailTags.kind",
            id="tags as the query API spells them",
        ),
    ],
)
def test_what_the_provider_ignores_is_no_marker(provider: str, path: str, body: Any, marker: str) -> None:
    """The marker does not have the value that stands where the provider reads nothing."""
    headers = CIMultiDictProxy(CIMultiDict({"Content-Type": "application/json"}))
    request = Request("POST", path, "", headers, orjson.dumps(body))
    told = base.load(provider).read(request, Settings()).send.markers
    assert not {"receipt", "outbound"}.intersection(told.get(marker, ()))
