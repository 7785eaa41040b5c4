"""A logged-in browser window that opens the page's views and collects browser errors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Frame,
    Locator,
    Page,
    Request,
    ViewportSize,
)

from deploy.local.settings import HOST
from tests.browser.logins import token_of
from tests.stack.stack import LiveStack

PICTURES = "AGORA_PICTURES_DIR"  # directory for the pictures in docs; if unset, none are taken
PAGE = "/agora/bandwidth/"
Theme = Literal["light", "dark"]
WIDE, HIGH = 1440, 900
BESIDE_PAGE = 72  # width of Airflow's menu and margins


class Visitor:
    """One browser window with one login.

    Attributes:
        page: The window.
        errors: Script errors, and requests to other machines.
    """

    def __init__(self, page: Page, ui_url: str) -> None:
        self.page = page
        self.ui_url = ui_url
        self.errors: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.errors.append(f"script: {error}"))
        page.on("request", self._on_request)

    @classmethod
    @contextmanager
    def logged_in(
        cls,
        live: LiveStack,
        browser: Browser,
        *,
        role: str = "admin",
        theme: Theme = "light",
        zone: str = "Europe/Berlin",
    ) -> Iterator[Visitor]:
        """Open a window with a login; at the end of the `with` block, fail if errors occurred."""
        ui_url = live.stack.settings.ui_url
        visitor = cls(_context(live, browser, role, theme, zone).new_page(), ui_url)
        try:
            yield visitor
            assert visitor.errors == [], visitor.errors
        finally:
            visitor.page.close()

    def go_to(self, view: str) -> Frame:
        """Open a view at its own address, wait until the view is loaded, and return its frame.

        Airflow's UI takes most of the time of `go_to_in_airflow`. Pictures show the page in Airflow.
        """
        if PICTURES in os.environ:
            return self.go_to_in_airflow(view)
        self.page.goto("about:blank")  # Otherwise, another view of the same page is not loaded again.
        self.page.goto(f"{self.ui_url}{PAGE}#{view}")
        self._wait_for(view)
        return self.frame

    def go_to_in_airflow(self, view: str) -> Frame:
        """Open a view in Airflow, wait until the view is loaded, and return its frame."""
        self.page.goto(f"{self.ui_url}/plugin/bandwidth")
        frame = self.frame
        frame.locator(".panel").wait_for()
        if not view.startswith("coverage") or "?" in view:
            self.switch_to(view)
        return frame

    def switch_to(self, view: str) -> None:
        """Switch to another view or change its choices, as a link would."""
        self.frame.evaluate("view => { location.hash = view; }", view)
        self._wait_for(view)

    def _wait_for(self, view: str) -> None:
        name = view.partition("?")[0]
        self.frame.locator(f"#view:not([aria-busy]) .panel.{name}").wait_for()

    def resize(self, width: int) -> None:
        """Resize the window, so that the page is as wide as in an Airflow window of this width."""
        beside = 0 if PICTURES in os.environ else BESIDE_PAGE
        self.page.set_viewport_size({"width": width - beside, "height": HIGH})

    @property
    def frame(self) -> Frame:
        """The page's frame: the window itself, or the frame in which Airflow shows the page."""
        if self.page.url.startswith(self.ui_url + PAGE):
            return self.page.main_frame
        framed = self.page.wait_for_selector("iframe")
        frame = framed.content_frame() if framed else None
        assert frame is not None
        frame.wait_for_url(f"**{PAGE}**")
        return frame

    def open_form(self, dag_id: str) -> Locator:
        """Press a DAG's Trigger button, and return the form that opens."""
        self.page.goto(f"{self.ui_url}/dags/{dag_id}")
        self.page.get_by_role("button", name="Trigger Dag").click()
        return self.page.get_by_role("dialog")

    def ignore_status(self, status: int) -> None:
        """Ignore errors with an expected HTTP status."""
        self.errors = [error for error in self.errors if f"status of {status}" not in error]

    def take_picture(self, name: str) -> None:
        """Save a screenshot for the docs if AGORA_PICTURES_DIR is set."""
        if directory := os.environ.get(PICTURES):
            self.page.wait_for_load_state("networkidle")
            self.page.wait_for_timeout(500)  # a chart is drawn after its figures
            self.page.screenshot(path=Path(directory) / f"{name}.png")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"console: {message.text} {message.location}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((f"http://{HOST}:", "data:", "blob:")):
            self.errors.append(f"left the machine: {request.url}")


@cache
def _context(live: LiveStack, browser: Browser, role: str, theme: Theme, zone: str) -> BrowserContext:
    """Return the context of all windows with this login, so that files are loaded only once.

    In Airflow, the page follows Airflow's theme; at its own address, the system's.
    """
    ui_url = live.stack.settings.ui_url
    viewport: ViewportSize = {"width": WIDE, "height": HIGH}
    context = browser.new_context(viewport=viewport, color_scheme=theme, timezone_id=zone)
    context.add_cookies([{"name": "_token", "value": token_of(live, role, role), "url": ui_url}])
    # about:blank has no storage.
    context.add_init_script(f"if (location.origin !== 'null') localStorage.setItem('theme', '{theme}')")
    return context
