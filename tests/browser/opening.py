"""Fresh browsers whose complaints are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, ConsoleMessage, Page

OpenPage = Callable[..., Page]

# A form that comes back with errors is an answer, which Chromium calls a failure to load. A click that leaves
# the page ends what a live part was asking; a request that fails for another reason has an event of its own.
IN_ORDER = ("status of 422", "htmx:sendAbort", "htmx:afterRequest")


@contextmanager
def fresh_browsers(browser: Browser, base_url: str, *, patience_ms: int) -> Iterator[OpenPage]:
    """`open_page(width=390, dark=True)`. No console may hold another error or warning at the end."""
    contexts, complaints = [], []

    def opened(*, width: int = 1280, dark: bool = False, javascript: bool = True) -> Page:
        context = browser.new_context(
            base_url=base_url,
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(patience_ms)
        page.on("console", lambda message: complain(message))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    def complain(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(words in message.text for words in IN_ORDER):
            complaints.append(message.text)

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
