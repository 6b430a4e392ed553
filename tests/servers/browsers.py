"""Debian's Chromium, driven by Playwright; its own browser download is never used."""

import os

from tests.servers.base import need

CHROMIUM_ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    # the pages under test are all there is; without these it looks for the rest of the world at every start
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]


def chromium_path() -> str:
    need("fonts-noto-cjk")  # without it every Chinese glyph is a box, and screenshots prove nothing
    return need("chromium")
