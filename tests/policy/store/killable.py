"""A program that writes to a store until it is killed, and says of each write that it was acknowledged.

It is started once and forks a new life for each line of its input, the path of a store; so a life begins in
milliseconds. Each line it writes goes out in one piece: `born PID`, `event ADDRESS`, `entry ADDRESS`,
`record DECISION`, `dead`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from pathlib import Path

from policy import Policy
from policy.events import Event, Listing, Origin, Profile, Subject, Told, Word
from policy.model import Channel, Ending, MessageClass, Microseconds, Outcome, Recipient, Refused
from policy.reasons import Reason


def say(*words: object) -> None:
    """Write a line at once."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def blacklisted(subject: Subject) -> Told:
    """Make the event that is told over and over."""
    return Told(subject, Word.BLACKLISTED, Word.BLACKLISTED, Origin.EVENT)


def request(address: str) -> list[Event]:
    """Blacklist an address: of a lead, or of a user who had another one before."""
    if address.startswith("lead"):
        return [blacklisted(Subject(email=address, email_keys=(address,)))]
    former = f"former-{address}"
    return [
        Profile(address, former, (former,)),
        blacklisted(Subject(id=address)),
        Profile(address, address, (address,)),
    ]


async def tell(policy: Policy, name: str) -> None:
    """Learn events one after the other."""
    for number in itertools.count():
        address = f"{name}-{number}@x.de"
        await policy.learn(request(address))
        say("event", address)


async def enlist(policy: Policy, name: str) -> None:
    """Put addresses and patterns on a blacklist one after the other."""
    for number in itertools.count():
        address = f"{'*' if number % 2 else 'ann'}@{name}-{number}.de"
        await policy.learn([Listing(address, address, (address.removeprefix("*"),))])
        say("entry", address)


async def refuse(policy: Policy, name: str) -> None:
    """Record refusals one after the other."""
    for number in itertools.count():
        decision = f"{name}-{number}"
        refused = Refused(Recipient("to.0", Channel.MAIL, decision, (decision,)), Reason.BLACKLISTED)
        await policy.record(
            Outcome(
                decision,
                Microseconds(number),
                "mail",
                "sendgrid",
                Ending.REFUSED,
                Channel.MAIL,
                MessageClass.MARKETING,
                refused=(refused,),
            )
        )
        say("record", decision)


async def live(path: Path) -> None:
    """Open the store and write to it from many tasks at once."""
    policy = Policy(path)
    policy.open()
    life = os.getpid()
    async with asyncio.TaskGroup() as tasks:
        for number in range(4):
            tasks.create_task(tell(policy, f"lead-{life}-{number}"))
            tasks.create_task(tell(policy, f"user-{life}-{number}"))
            tasks.create_task(refuse(policy, f"{life}-{number}"))
            tasks.create_task(enlist(policy, f"{life}-{number}"))


def main() -> None:
    """Fork a life for each line."""
    for line in iter(sys.stdin.readline, ""):
        pid = os.fork()
        if pid == 0:
            asyncio.run(live(Path(line.strip())))
        say("born", pid)
        os.waitpid(pid, 0)
        say("dead")


if __name__ == "__main__":
    main()
