"""The report in a browser: it stands alone, shows every claim and fits a telephone."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from similis.experiments import Claim, Measured, Outcome, Table, _registry, experiment, figures, reproduce
from similis.experiments.report import number
from similis.networks import principal_subspace

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
ARGUMENTS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest.mark.parametrize(
    ("value", "goal", "text"),
    [
        (0.93964, 0.94, "0.9396"), (0.94, 0.94, "0.940"), (0.0999, 0.1, "0.0999"), (0.09996, 0.1, "0.09996"),
        (10.003, 10.0, "10.003"), (-0.70001, -0.7, "\N{MINUS SIGN}0.70001"), (0.93964, None, "0.940"),
    ],
)  # fmt: skip
def test_a_value_is_shown_on_its_own_side_of_the_goal(value, goal, text):
    assert number(value, goal) == text


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of one experiment that passes one claim and misses one, one that fails, and hostile text."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_registry, "_MODULES", ())
        patch.setattr(_registry, "_EXPERIMENTS", {})
        claims = (
            Claim(id="met", text="A claim <b>that</b> holds & stands", goal=0.5, better="lower"),
            Claim(id="missed", text="A claim that falls short", goal=0.1, better="lower", known=0.1, source="a check"),
        )

        @experiment("psp", "mixed", "Mixed", claims=claims)
        def mixed(budget, seeds):
            """Draws each kind of figure."""
            rng = np.random.default_rng(seeds[0])
            canvas, ax = figures.canvas()
            figures.curves(ax, np.arange(1, 9), rng.random((5, 8)), label="network", colour=figures.BLUE)
            figures.label(ax, "samples", "error")
            drawn = (
                figures.svg(canvas, caption="A curve.", alt="One falling curve", salt="mixed/curve"),
                figures.tiles(rng.normal(size=(6, 8, 8)), caption="Tiles.", alt="Six images", signed=True),
                figures.heatmaps([np.eye(30), np.ones((30, 30))], caption="Matrices.", alt="Two matrices"),
            )
            wide = Table("A wide table", tuple(f"column {i}" for i in range(12)), (("row", *range(11)),))
            measured = {claim.id: Measured.over([0.2] * 5, seeds, oracle=0.0) for claim in claims}
            return Outcome(measured, drawn, (wide,), principal_subspace(4))

        @experiment("psp", "broken", "Broken", claims=claims[:1])
        def broken(budget, seeds):
            """Raises."""
            raise RuntimeError("a reason <script>alert(1)</script> \x1b[31m\u202e")

        folder = tmp_path_factory.mktemp("report")
        results = reproduce(["psp"], out=folder)
    assert [result.status for result in results] == ["ran", "failed"], results[0].reason
    return folder / "index.html"


@pytest.fixture(scope="module")
def browser():
    if BROWSER is None or DRIVER is None:
        pytest.skip("no Chromium and chromedriver on this machine (Debian: apt install chromium chromium-driver)")
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (pip install similis[dev])")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ARGUMENTS.split():
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def resize(browser, width: int, scheme: str = "light") -> None:
    metrics = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def test_report_is_one_file_that_asks_for_nothing(report):
    page = report.read_text("utf-8")
    for attribute in (' src="http', "@import", "<script", '<link rel="stylesheet', "url(http", 'src="/'):
        assert attribute not in page
    assert "&lt;b&gt;that&lt;/b&gt;" in page
    assert r"alert(1)&lt;/script&gt; \x1b[31m\u202e" in page
    assert not any(mark in page for mark in "\x1b\u202e")
    assert page.count('id="') == len(set(part.split('"')[0] for part in page.split(' id="')[1:]))


@pytest.mark.browser
def test_report_loads_without_a_complaint_or_a_request(browser, report):
    resize(browser, 1280)
    browser.get(report.as_uri())
    assert browser.get_log("browser") == []
    requests = [
        entry["message"] for entry in browser.get_log("performance") if 'requestWillBeSent"' in entry["message"]
    ]
    assert requests
    assert all('"url":"file:' in message or '"url":"data:' in message for message in requests)


@pytest.mark.browser
def test_report_shows_every_figure_with_words_beside_it(browser, report):
    resize(browser, 1280)
    browser.get(report.as_uri())
    images = browser.find_elements("css selector", "figure img")
    assert len(images) == 2
    assert all(browser.execute_script("return arguments[0].naturalWidth", image) > 0 for image in images)
    drawings = browser.find_elements("css selector", "figure svg")
    assert len(drawings) == 2
    assert all(drawing.size["width"] > 300 and drawing.size["height"] > 100 for drawing in drawings)
    assert all(image.get_attribute("alt") for image in images)
    assert all(drawing.get_attribute("aria-label") for drawing in drawings)


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_report_shows_every_claim_and_says_in_red_what_falls_short(browser, report, width):
    resize(browser, width)
    browser.get(report.as_uri())
    rows = browser.find_elements("css selector", "tr[data-claim]")
    names = [row.get_attribute("data-claim") for row in rows]
    assert names == ["psp/mixed/met", "psp/mixed/missed", "psp/broken/met"]
    assert all(row.is_displayed() for row in rows)
    words = [row.find_element("css selector", ".verdict") for row in rows]
    assert [word.text for word in words] == ["✓ pass", "✗ falls short", "✗ failed"]
    red, green, blue = (int(part) for part in words[1].value_of_css_property("color")[5:-1].split(",")[:3])
    assert red > 150 > 2 * max(green, blue)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_report_fits_a_telephone_and_both_colour_schemes(browser, report, scheme):
    resize(browser, 390, scheme)
    browser.get(report.as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    body = browser.find_element("tag name", "body")
    ink, paper = (
        sum(int(part) for part in body.value_of_css_property(name)[5:-1].split(",")[:3])
        for name in ("color", "background-color")
    )
    assert (ink < 200 and paper > 600) if scheme == "light" else (ink > 600 and paper < 200)
