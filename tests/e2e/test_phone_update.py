"""A new build of the phone page: offered, never forced; what was written down before it is there after it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tooling.page import STATIC

pytestmark = [pytest.mark.faults, pytest.mark.timeout(60)]

WRITE = """() => new Promise(done => {
    const opening = indexedDB.open('caretaker-phone')
    opening.onsuccess = () => {
        const jobs = opening.result.transaction('jobs', 'readwrite').objectStore('jobs')
        const job = {kind: 'sos', ref: 'r', key: 'k', person: 'somebody else', made_ms: Date.now(), state: 'waiting'}
        jobs.add(job).onsuccess = () => { opening.result.close(); done() }
    }
})"""


class Files(SimpleHTTPRequestHandler):
    """A folder, with the phone's page at /m; there is no API behind it."""

    def translate_path(self, path: str) -> str:
        return super().translate_path("/m.html" if path.split("?", maxsplit=1)[0].rstrip("/") == "/m" else path)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@dataclass
class Site:
    folder: Path
    url: str

    def publish(self, mark: str) -> None:
        """Another build: another page, and a worker that differs by its name."""
        page, worker = self.folder / "m.html", self.folder / "m-sw.js"
        page.write_text(page.read_text("utf-8").replace("<body>", f'<body data-build="{mark}">'), "utf-8")
        worker.write_text(worker.read_text("utf-8").replace('"name":"', f'"name":"{mark}'), "utf-8")


@pytest.fixture
def site(built: None, tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "static"
    shutil.copytree(STATIC, folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Site(folder, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


def _build(page: Page) -> str | None:
    return page.locator("body").get_attribute("data-build")


def test_a_new_build_waits_until_it_is_taken_and_loses_nothing(site: Site, browser: Browser) -> None:
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(f"{site.url}/m#/today")
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    page.evaluate(WRITE)
    page.reload()
    expect(page.get_by_test_id("upload")).to_contain_text("1 条待上传")

    site.publish("second")
    page.reload()
    page.evaluate("navigator.serviceWorker.getRegistration('/m').then(found => found.update())")
    expect(page.get_by_test_id("update")).to_be_visible()
    assert _build(page) is None, "the new page came by itself"
    page.get_by_test_id("scan").click()
    expect(page.get_by_test_id("update")).to_be_hidden()
    page.go_back()

    page.get_by_test_id("update").click()
    expect(page.locator("body[data-build=second]")).to_be_attached()
    expect(page.get_by_test_id("upload")).to_contain_text("1 条待上传")
    assert page.evaluate("caches.keys().then(names => names.length)") == 1
    context.close()
