"""A real browser without a driver's library: headless Chromium, spoken to in its own DevTools protocol.

Only what needs no script in the page is used (DOM, CSS, Input, Accessibility), so scripts can be switched off, and a
page is pressed and read as by a person with a keyboard, a mouse or a screen reader.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_LISTENING = re.compile(rb"DevTools listening on (ws://\S+)")
_FLAGS = (
    *("--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--remote-debugging-port=0"),
    *("--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-sync"),
    *("--disable-dev-shm-usage", "--disable-extensions", "--metrics-recording-only", "--mute-audio"),
    *("--use-mock-keychain", "--password-store=basic"),
)


@dataclass
class Node:
    """One thing of the page as a screen reader has it: its role, its name, and where it stands in the document."""

    role: str
    name: str
    backend: int


@dataclass
class Tab:
    """One open tab."""

    socket: aiohttp.ClientWebSocketResponse
    session: str = ""
    said: list[str] = field(default_factory=list)  # the browser's own complaints about the page
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _waiting: dict[int, asyncio.Future[Any]] = field(default_factory=dict)
    _loaded: asyncio.Event = field(default_factory=asyncio.Event)

    async def do(self, method: str, **parameters: Any) -> Any:
        """Send one command and give its result."""
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        session = {"sessionId": self.session} if self.session else {}
        await self.socket.send_json({"id": number, "method": method, "params": parameters, **session})
        return await answer

    async def listen(self) -> None:
        """Take in answers and events until the browser ends."""
        async for message in self.socket:
            told = message.json()
            if "id" in told:
                waiting = self._waiting.pop(told["id"])
                if "error" in told:
                    waiting.set_exception(RuntimeError(told["error"]["message"]))
                else:
                    waiting.set_result(told["result"])
            elif told["method"] == "Page.loadEventFired":
                self._loaded.set()
            elif told["method"] == "Log.entryAdded":
                self.said.append(told["params"]["entry"]["text"])

    # Going and pressing

    async def open(self, url: str) -> None:
        """Go to a page."""
        await self._leads_on(self.do("Page.navigate", url=url))

    async def _leads_on(self, step: Any) -> None:
        self._loaded.clear()
        await step
        await self._loaded.wait()

    async def click(self, node: Node) -> None:
        """Press something that leads to another page, with the mouse."""
        await self.do("DOM.scrollIntoViewIfNeeded", backendNodeId=node.backend)
        x, y, _, _, right, bottom, *_ = (await self.do("DOM.getBoxModel", backendNodeId=node.backend))["model"][
            "border"
        ]
        at = {"x": (x + right) / 2, "y": (y + bottom) / 2, "button": "left", "clickCount": 1}
        await self.do("Input.dispatchMouseEvent", type="mousePressed", **at)
        await self._leads_on(self.do("Input.dispatchMouseEvent", type="mouseReleased", **at))

    async def key(self, name: str, code: int, text: str = "", *, leads_on: bool = False) -> None:
        """Press a key; where it leads to another page, wait for that."""
        pressed = {"key": name, "code": name, "windowsVirtualKeyCode": code}
        await self.do("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **pressed)
        released = self.do("Input.dispatchKeyEvent", type="keyUp", **pressed)
        await (self._leads_on(released) if leads_on else released)

    # Reading

    async def nodes(self) -> list[Node]:
        """List what a screen reader has of the page, in its order."""
        tree = (await self.do("Accessibility.getFullAXTree"))["nodes"]
        return [
            Node(node["role"]["value"], node.get("name", {}).get("value", ""), node["backendDOMNodeId"])
            for node in tree
            if not node["ignored"] and "backendDOMNodeId" in node
        ]

    async def find(self, role: str, name: str = "") -> Node:
        """Give the only thing of a role, with a name if one is given."""
        (found,) = (node for node in await self.nodes() if node.role == role and name in ("", node.name))
        return found

    async def focused(self) -> Node | None:
        """Give what has the focus."""
        tree = (await self.do("Accessibility.getFullAXTree"))["nodes"]
        for node in tree:
            flags = {each["name"]: each["value"].get("value") for each in node.get("properties", [])}
            if flags.get("focused") and node["role"]["value"] != "RootWebArea":
                return Node(node["role"]["value"], node.get("name", {}).get("value", ""), node["backendDOMNodeId"])
        return None

    async def style(self, backend: int) -> dict[str, str]:
        """Give the computed style of an element."""
        await self.do("DOM.getDocument", depth=0)
        (number,) = (await self.do("DOM.pushNodesByBackendIdsToFrontend", backendNodeIds=[backend]))["nodeIds"]
        computed = (await self.do("CSS.getComputedStyleForNode", nodeId=number))["computedStyle"]
        return {each["name"]: each["value"] for each in computed}

    async def document(self) -> dict[str, Any]:
        """Give the whole document as a tree of nodes."""
        root: dict[str, Any] = (await self.do("DOM.getDocument", depth=-1))["root"]
        return root

    async def screen(self, width: int, height: int, *, dark: bool = False) -> None:
        """Be a screen of this size, in light or dark colours."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1}
        await self.do("Emulation.setDeviceMetricsOverride", mobile=width < 600, **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.do("Emulation.setEmulatedMedia", features=[scheme])

    async def width(self) -> tuple[float, float]:
        """Give the width of what is shown and of what there is."""
        metrics = await self.do("Page.getLayoutMetrics")
        return metrics["cssLayoutViewport"]["clientWidth"], metrics["cssContentSize"]["width"]

    async def picture(self) -> bytes:
        """Give a picture of what is shown (PNG)."""
        return base64.b64decode((await self.do("Page.captureScreenshot"))["data"])


@contextlib.asynccontextmanager
async def browser(folder: Path, *, scripts: bool = False) -> AsyncIterator[Tab]:
    """Run Chromium with a profile of its own, and open a tab in which no script runs."""
    assert PROGRAM is not None
    flags = [*_FLAGS, f"--user-data-dir={folder / 'chromium'}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *flags, "about:blank", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        url = await _told(process)
        async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0) as socket:
            tab = Tab(socket)
            listening = asyncio.create_task(tab.listen())
            try:
                yield await _prepared(tab, scripts=scripts)
            finally:
                listening.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def _told(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        found = _LISTENING.search(line)
        if found:
            return found[1].decode()
    raise RuntimeError("Chromium ended before it listened")


async def _prepared(tab: Tab, *, scripts: bool) -> Tab:
    target = (await tab.do("Target.createTarget", url="about:blank"))["targetId"]
    tab.session = (await tab.do("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
    for domain in ("Page", "DOM", "CSS", "Accessibility", "Log", "Network"):
        await tab.do(f"{domain}.enable")
    await tab.do("Emulation.setScriptExecutionDisabled", value=not scripts)
    return tab


def walk(node: dict[str, Any], see: Callable[[dict[str, Any]], object]) -> None:
    """Look at every node of a document."""
    see(node)
    for child in node.get("children", []):
        walk(child, see)
