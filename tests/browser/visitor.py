"""A person at the page Bandwidth: logs in, goes to a view, looks. What goes wrong on the way is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Frame, Locator, Page, Request

from deploy.local.settings import HOST
from tests.browser.logins import token_of
from tests.stack.stack import LiveStack

PICTURES = "AGORA_PICTURES_DIR"  # where pictures for the documents are put; nowhere unless it is set
WIDE, HIGH = 1440, 900


class Visitor:
    """One browser window with one login.

    Attributes:
        page: Airflow's window.
        troubles: Errors of scripts and requests that left this machine.
    """

    def __init__(self, page: Page, ui_url: str) -> None:
        self.page = page
        self.ui_url = ui_url
        self.troubles: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))
        page.on("request", self._sent)

    @classmethod
    @contextmanager
    def logged_in(
        cls,
        live: LiveStack,
        browser: Browser,
        *,
        role: str = "admin",
        theme: str = "light",
        zone: str = "Europe/Berlin",
    ) -> Iterator[Visitor]:
        """Open a window with a login; at the end of the `with` no trouble may have been seen."""
        ui_url = live.stack.settings.ui_url
        context = browser.new_context(viewport={"width": WIDE, "height": HIGH}, timezone_id=zone)
        context.add_cookies([{"name": "_token", "value": token_of(live, role, role), "url": ui_url}])
        context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
        visitor = cls(context.new_page(), ui_url)
        try:
            yield visitor
            assert visitor.troubles == [], visitor.troubles
        finally:
            context.close()

    def goes_to(self, view: str, path: str = "/plugin/bandwidth") -> Frame:
        """Open a view in Airflow and wait until it is there; return the frame it is in."""
        self.page.goto(self.ui_url + path)
        frame = self.frame
        frame.locator(".panel").wait_for()
        if not view.startswith("coverage") or "?" in view:
            self.turns_to(view)
        return frame

    def turns_to(self, view: str) -> None:
        """Change to another view, or to other choices in it, as a link would."""
        self.frame.evaluate("view => { location.hash = view; }", view)
        name = view.partition("?")[0]
        self.frame.locator(f"#view:not([aria-busy]) .panel.{name}").wait_for()

    @property
    def frame(self) -> Frame:
        """The frame in which Airflow shows the page."""
        framed = self.page.wait_for_selector("iframe")
        frame = framed.content_frame() if framed else None
        assert frame is not None
        frame.wait_for_url("**/agora/bandwidth/**")
        return frame

    def opens_form(self, dag_id: str) -> Locator:
        """Press Trigger at a DAG, and return the form that opens."""
        self.page.goto(f"{self.ui_url}/dags/{dag_id}")
        self.page.get_by_role("button", name="Trigger Dag").click()
        return self.page.get_by_role("dialog")

    def forgives(self, status: int) -> None:
        """Forget the troubles that are an answer's status: it was to be seen."""
        self.troubles = [trouble for trouble in self.troubles if f"status of {status}" not in trouble]

    def takes_picture(self, name: str) -> None:
        """Keep what is seen as a picture for the documents, where that is asked for."""
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_timeout(500)  # a chart is drawn when its figures are there
        if directory := os.environ.get(PICTURES):
            self.page.screenshot(path=Path(directory) / f"{name}.png")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.troubles.append(f"console: {message.text} {message.location}")

    def _sent(self, request: Request) -> None:
        if not request.url.startswith((f"http://{HOST}:", "data:", "blob:")):
            self.troubles.append(f"left the machine: {request.url}")
