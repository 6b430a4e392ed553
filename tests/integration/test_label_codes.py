"""Every label of the demo estate, as the server makes it, is read at 2 pixels per module, at every 15 degrees, blotted.

What is blotted: 12 % or more of the whole symbol's modules, painted black or white, anywhere but on the three finder
patterns with their separators (without a finder no reader knows that there is a code at all; a sticker has a short code
for that). Timing, alignment, format and version modules may be hit.

How it is seen: the symbol with its quiet zone is drawn large, turned, and averaged down to 2 pixels per module, as a
camera's sensor does it. Places of blots follow from a seed that was taken once and not chosen.

Of one blot everything must be read. Of three splashes nearly everything: 12 % in pieces touches up to 30 % of the
code words, which is all that level H can mend, so that a few places in hundreds are beyond any QR code; specks of one
module over 12 % of the symbol are beyond every one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

import httpx
import numpy as np
import pypdfium2
import pytest
import segno
import zxingcpp
from PIL import Image

from api import qr
from api.paper.labels import ACROSS, CODE_MM, CODE_X, CODE_Y, DOWN
from caretaker.catalog import read_rounds
from caretaker.domain.people import Role
from caretaker.services import checkpoints
from tests.factories import ROOT, demo_kinds, demo_site
from tests.integration.api_house import ApiHouse, api_house
from tests.integration.test_labels import drawn

ANGLES = range(0, 360, 15)
SHARE = 0.12
SEED = 20261125
PHONES = "192.168.1.20:8080"
"""The address that phones use; what is printed begins with it, so that the codes are the same in every run."""
Blot = Callable[[int, np.random.Generator], np.ndarray]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    folder = tmp_path_factory.mktemp("codes")
    (folder / "keys").mkdir()
    key = {"id": "fixed", "secret": "5a" * 32, "retired_ns": None, "grace_until_ns": None}
    (folder / "keys" / "site-demo.json").write_text(json.dumps({"keys": [key]}), "utf-8")
    with api_house(folder) as opened:
        rounds = read_rounds(ROOT / "sites" / "demo", demo_site(), demo_kinds())
        with opened.transactions.begin() as unit:
            checkpoints.load(unit, opened.estate, rounds.checkpoints, rounds.plans, opened.clock.now_ns())
        yield opened


@pytest.fixture(scope="module")
def printing(house: ApiHouse) -> Iterator[httpx.Client]:
    with house.client(Role.SUPERVISOR, Host=PHONES) as client:
        yield client


@pytest.fixture(scope="module")
def labels(printing: httpx.Client) -> Sequence[dict]:
    items: Sequence[dict] = printing.get("/api/v1/labels").json()["items"]
    return items


@pytest.fixture(scope="module")
def shipped(labels: Sequence[dict]) -> dict[str, np.ndarray]:
    """url -> modules, dark = True, without the quiet zone."""
    quiet = qr.QUIET_ZONE
    return {label["url"]: drawn(label["svg"], 1)[quiet:-quiet, quiet:-quiet] == 0 for label in labels}


def finders(side: int) -> np.ndarray:
    """The three finder patterns with their separators."""
    kept = np.zeros((side, side), bool)
    kept[:8, :8] = kept[:8, -8:] = kept[-8:, :8] = True
    return kept


def disc(side: int, rng: np.random.Generator, radius: float) -> np.ndarray:
    down, across = rng.uniform(0, side, 2)
    y, x = np.mgrid[0:side, 0:side]
    inside: np.ndarray = (y - down) ** 2 + (x - across) ** 2 <= radius**2
    return inside


def blots(count: int) -> Blot:
    """A maker of `count` round blots that together cover the share."""

    def make(side: int, rng: np.random.Generator) -> np.ndarray:
        radius = np.sqrt(SHARE * side * side / count / np.pi)
        while True:
            covered: np.ndarray = np.logical_or.reduce([disc(side, rng, radius) for _ in range(count)]) & ~finders(side)
            if SHARE <= covered.mean() <= SHARE * 1.15:
                return covered
            radius += 0.05 if covered.mean() < SHARE else -0.05

    return make


def seen(modules: np.ndarray, angle: float) -> np.ndarray:
    """Turned, at 2 pixels per module, as a sensor averages it."""
    paper = np.pad(np.where(modules, 0, 255).astype(np.uint8), qr.QUIET_ZONE, constant_values=255)
    large = Image.fromarray(paper.repeat(8, 0).repeat(8, 1)).rotate(
        angle, Image.Resampling.BILINEAR, expand=True, fillcolor=255
    )
    small = large.resize((round(large.width / 4), round(large.height / 4)), Image.Resampling.BOX)
    return np.asarray(small)


def is_read(modules: np.ndarray, angle: float, text: str) -> bool:
    found = zxingcpp.read_barcodes(seen(modules, angle), formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return [code.text for code in found] == [text]


def missed(codes: dict[str, np.ndarray], blot: Blot, *, ink: bool, seed: int = SEED) -> list[tuple[str, int]]:
    """(url, angle) of what could not be read once it was blotted."""
    rng = np.random.default_rng(seed)
    found = []
    for url, modules in codes.items():
        covered = blot(len(modules), rng)
        assert covered.mean() >= SHARE
        assert not (covered & finders(len(modules))).any()
        found += [(url, angle) for angle in ANGLES if not is_read(np.where(covered, ink, modules), angle, url)]
    return found


@pytest.mark.parametrize("ink", (True, False), ids=("black", "white"))
def test_every_label_is_read_at_every_angle_with_one_blot_over_12_percent(
    shipped: dict[str, np.ndarray], ink: bool
) -> None:
    assert len(shipped) >= 30
    assert missed(shipped, blots(1), ink=ink) == []


def test_of_three_splashes_over_12_percent_nearly_all_are_read(shipped: dict[str, np.ndarray]) -> None:
    lost = missed(shipped, blots(3), ink=True)
    assert len(lost) <= 0.03 * len(shipped) * len(ANGLES), lost


@pytest.mark.parametrize("level", ("L", "M"))
def test_a_weaker_level_fails_the_same_test(shipped: dict[str, np.ndarray], level: str) -> None:
    """Clean it is read at every angle, blotted it is not: the blot is no ornament."""
    weak = {}
    for url in list(shipped)[:6]:
        code = segno.make_qr(url, version=8, error=level, boost_error=False)
        weak[url] = np.array([list(row) for row in code.matrix]) == 1
    assert all(is_read(modules, angle, url) for url, modules in weak.items() for angle in ANGLES)
    assert missed(weak, blots(1), ink=True) != []


def test_a_size_taken_only_for_being_small_is_not_read_when_turned(shipped: dict[str, np.ndarray]) -> None:
    """Why qr.SIZES names versions: the smallest that holds an address at level Q is lost at 30 degrees, even clean."""
    url = next(iter(shipped))
    code = segno.make_qr(url, version=6, error="Q", boost_error=False)
    modules = np.array([list(row) for row in code.matrix]) == 1
    assert is_read(modules, 0, url)
    assert not is_read(modules, 30, url)


def test_the_printed_sheets_carry_the_same_codes_and_their_words(
    printing: httpx.Client, labels: Sequence[dict], shipped: dict[str, np.ndarray]
) -> None:
    answer = printing.get("/api/v1/labels.pdf")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    sheets = pypdfium2.PdfDocument(answer.content)
    per_sheet = ACROSS * DOWN
    assert len(sheets) == -(-len(labels) // per_sheet)
    dots = 8  # to a millimetre
    pages = [page.render(scale=dots * 25.4 / 72, grayscale=True).to_numpy().squeeze() for page in sheets]
    texts = [page.get_textpage().get_text_range() for page in sheets]
    for number, label in enumerate(labels):
        page, (row, column) = number // per_sheet, divmod(number % per_sheet, ACROSS)
        modules = shipped[label["url"]]
        unit = CODE_MM / (len(modules) + 2 * qr.QUIET_ZONE)
        at = (np.arange(len(modules)) + qr.QUIET_ZONE + 0.5) * unit
        y = ((row * 297 / DOWN + CODE_Y + at) * dots).astype(int)
        x = ((column * 210 / ACROSS + CODE_X + at) * dots).astype(int)
        assert np.array_equal(pages[page][np.ix_(y, x)] < 128, modules), label["checkpoint"]
        for said in (label["title"]["zh"], label["title"]["en"], label["short_code"]):
            assert said.replace(" ", "") in "".join(texts[page].split()), said
    first = pages[0][: round(297 / DOWN * dots), : round(210 / ACROSS * dots)]
    (code,) = zxingcpp.read_barcodes(first)
    assert code.text == labels[0]["url"]
    assert code.ec_level == "H"


def test_a_choice_of_labels_is_printed_in_the_order_asked_for(printing: httpx.Client) -> None:
    answer = printing.get("/api/v1/labels.pdf", params={"checkpoints": ["b1-lobby", "fire-lane"]})
    text = "".join(pypdfium2.PdfDocument(answer.content)[0].get_textpage().get_text_range().split())
    assert text.index("1号楼大堂") < text.index("消防车道")
    assert printing.get("/api/v1/labels.pdf", params={"checkpoints": "moon"}).status_code == 404


@pytest.mark.parametrize("host", ("10.0.0.5:8080", "caretaker.somewhere.example.com:8443", f"{'x' * 60}.example.com"))
def test_longer_addresses_keep_to_the_sizes_that_are_read(host: str) -> None:
    text = f"https://{host}/s/ct1.a-checkpoint-of-some-length.0.{'A' * 22}"
    modules = np.array([list(row) for row in qr.modules(text)]) == 1
    assert len(modules) in (49, 77)
    assert qr.symbol(text).error in ("H", "Q")
    assert all(is_read(modules, angle, text) for angle in ANGLES)
