"""What config.yaml says of the gate's own account at a provider: its credential, and the webhooks that come back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from proxy.sections import Node, UpToTwo, option
from proxy.values import AwsRegion, Credential, HeaderName, Text, UserName

_OWNER = "the account that the credential is of, where the provider's paths name one and the user name does not tell it"


class Bearer(Node):
    """`Authorization: Bearer TOKEN`."""

    kind: Literal["bearer"] = Field(description="Authorization: Bearer TOKEN")
    token: Credential = Field(description="the provider's API key")
    account: Text = option("", _OWNER)


class Basic(Node):
    """`Authorization: Basic …`."""

    kind: Literal["basic"] = Field(description="Authorization: Basic, of a user name and a password")
    username: UserName = Field(description="user name, account id or key id")
    password: Credential = Field(description="password, auth token or key secret")
    account: Text = option("", _OWNER)


class Header(Node):
    """A header of the provider's own."""

    kind: Literal["header"] = Field(description="one header with a name of the provider's own")
    name: HeaderName = Field(description="name of the header")
    value: Credential = Field(description="its whole value")
    account: Text = option("", _OWNER)


class Body(Node):
    """A key in the body, for a provider that wants it there."""

    kind: Literal["body"] = Field(description="the key that a provider wants in the body of each request")
    key: Credential = Field(description="the provider's API key")


class Aws(Node):
    """AWS Signature Version 4."""

    kind: Literal["aws"] = Field(description="AWS Signature Version 4 over each request")
    access_key_id: Credential = Field(description="the id of the gate's key")
    secret_access_key: Credential = Field(description="the secret that signs")
    region: AwsRegion = Field(description="the region of the provider's address: eu-west-1")
    session_token: Credential | None = option(None, "of temporary keys")


Auth = Annotated[Bearer | Basic | Header | Body | Aws, Field(discriminator="kind")]


Suppressing = Literal["opt_out", "opt_out_all", "block", "record", "ignore"]


class Effects(Node):
    """What a provider's word does to the standing: opt_out is of the route's channel, block stops everything."""

    unsubscribe: Suppressing = option("opt_out", "an unsubscribe by the provider's own link or list")
    complaint: Suppressing = option("opt_out", "marked as spam")
    hard_bounce: Suppressing = option("record", "the mailbox is gone for good")
    resubscribe: Literal["opt_in", "record", "ignore"] = option(
        "opt_in", "back again: undoes that provider's unsubscribe and nothing else"
    )


class Webhook(Node):
    """How the provider shows that a webhook is its own, and what its words do."""

    key: UpToTwo[Credential] = option(
        (), "the signing key, or the password or token where the provider signs nothing; two during rotation"
    )
    topics: tuple[Text, ...] = option((), "Amazon SNS topics (ARN) that are believed")
    effects: Effects = option({}, "what each word does to the standing")
