"""Reports in a real browser, without a network, on a phone and on a desk, in light and in dark."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from replay.report.reports import EVIL, almost_empty_report, full_report, wave

from face1d_ros.replay.report.content import Report, Run
from face1d_ros.replay.report.page import page

webdriver = pytest.importorskip("selenium.webdriver")

pytestmark = pytest.mark.slow
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
         "--disable-dev-shm-usage")  # fmt: skip
DRAWN_S = 120.0
"""A busy machine may need that long."""
PHONE, DESK = (360, 800), (1200, 900)
CHARTS = 12
READABLE = 4.5
"""Least contrast of text to what is behind it (WCAG 2, AA)."""

DRAWN = """
return [...document.querySelectorAll('.chart')].map(box => ({
  name: box.dataset.chart,
  traces: box.querySelectorAll('.scatterlayer .trace path, .barlayer .point path, .heatmaplayer image').length,
  width: box.querySelector('.main-svg')?.getBoundingClientRect().width ?? 0,
  room: box.clientWidth,
}))"""
SIDEWAYS = """
const wide = document.documentElement.clientWidth;
return [...document.querySelectorAll('body *')].filter(one => {
  if (one.closest('.scroll, svg, .skip, dialog')) return false;
  return one.getBoundingClientRect().right > wide + 1;
}).map(one => one.tagName + '.' + one.className)"""
CONTRASTS = """
const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const rgba = (colour) => {
  canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const light = (colour) => {
  const [r, g, b] = colour.map(c => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (one) => {
  for (let at = one; at; at = at.parentElement) {
    const colour = rgba(getComputedStyle(at).backgroundColor);
    if (colour[3] > 250) return colour;
  }
  return [255, 255, 255, 255];
};
const found = [];
for (const one of document.querySelectorAll('body *')) {
  if (!one.checkVisibility() || one.closest('script, .barlayer')) continue;
  if (![...one.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
  const style = getComputedStyle(one);
  const [a, b] = [light(rgba(one.namespaceURI.includes('svg') ? style.fill : style.color)), light(behind(one))];
  found.push([one.tagName + '.' + (one.className.baseVal ?? one.className), one.textContent.slice(0, 40),
              (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
}
return found"""


class Browser:
    """Chromium that shows files and has no network."""

    def __init__(self, profile: Path) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(shutil.which("chromium"))
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(str(shutil.which("chromedriver")))
        self.driver = webdriver.Chrome(options=options, service=service)
        self._do("Network.enable")
        self._do("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)

    def show(self, path: Path, size: tuple[int, int], scheme: str = "light") -> None:
        """Until its charts are drawn."""
        width, height = size
        media = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self._do("Emulation.setEmulatedMedia", media="", features=media)
        self._do(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        self.driver.get_log("browser")
        self.driver.get(path.as_uri())
        self.wait("return document.documentElement.dataset.charts === 'drawn'")

    def wait(self, condition: str) -> None:
        """Until it is true."""
        until = time.monotonic() + DRAWN_S
        while not self.run(condition):
            assert time.monotonic() < until, self.problems()
            time.sleep(0.05)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def problems(self) -> list[str]:
        """What the console has told since the page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def _do(self, command: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, arguments)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        missing = "Chromium is not installed; scripts/ci_chromium.sh installs it"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.driver.quit()


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page(full_report()), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_report_is_whole_on_any_screen(browser: Browser, full: Path, size: tuple[int, int], scheme: str) -> None:
    browser.show(full, size, scheme)
    charts = browser.run(DRAWN)
    assert len(charts) == CHARTS
    for chart in charts:
        assert chart["traces"] > 0, chart
        assert chart["width"] == pytest.approx(chart["room"], abs=1), chart
    assert browser.run(SIDEWAYS) == []
    assert browser.run("return document.documentElement.scrollWidth") == size[0]
    assert browser.run("return [...document.images].filter(one => !one.alt && !one.closest('dialog')).length") == 0
    assert browser.run("return document.querySelectorAll('h1').length") == 1
    pale = [told for told in browser.run(CONTRASTS) if told[2] < READABLE]
    assert pale == []
    assert browser.problems() == []


def test_the_contents_are_there_on_a_desk_and_not_on_a_phone(browser: Browser, full: Path) -> None:
    for size, there in ((DESK, True), (PHONE, False)):
        browser.show(full, size)
        assert browser.run("return document.querySelector('.contents').checkVisibility()") is there


def test_long_names_leave_room_for_what_they_name_on_a_phone(browser: Browser, full: Path) -> None:
    plot = "return document.querySelector('[data-chart=chart-actions] .nsewdrag').getBoundingClientRect().width"
    browser.show(full, PHONE)
    assert browser.run(plot) > 150
    names = (
        "return [...document.querySelectorAll('[data-chart=chart-actions] .ytick text')].map(one => one.textContent)"
    )
    assert "AU19 lip …ler left" in browser.run(names)
    browser.show(full, DESK)
    assert "AU19 lip corner puller left" in browser.run(names)


def test_dark_is_dark(browser: Browser, full: Path) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    ticks = "return getComputedStyle(document.querySelector('.xtick text')).fill.match(/\\d+/g).map(Number)"
    browser.show(full, PHONE, "light")
    assert min(browser.run(ground)) > 230 > 150 > max(browser.run(ticks))
    browser.show(full, PHONE, "dark")
    assert max(browser.run(ground)) < 30 < 140 < min(browser.run(ticks))


def test_a_stretch_that_is_chosen_in_one_chart_is_shown_in_all(browser: Browser, full: Path) -> None:
    browser.show(full, DESK)
    browser.run("Plotly.relayout(document.querySelector('[data-chart=chart-pose]'), {'xaxis.range': [30, 60]})")
    ranges = """return [...document.querySelectorAll('.chart')].filter(one => one.layout.meta)
        .every(one => one.layout.xaxis.range[0] === 30 && one.layout.xaxis.range[1] === 60)"""
    browser.wait(ranges)
    browser.run("document.querySelector('[data-chart=chart-pose]').emit('plotly_doubleclick')")
    browser.wait(ranges.replace("=== 30", "=== 0").replace("=== 60", "=== 240"))
    assert browser.problems() == []


def test_a_face_can_be_hidden_in_all_charts_at_once(browser: Browser, full: Path) -> None:
    browser.show(full, DESK)
    lines = "return document.querySelectorAll('.chart .scatterlayer .trace').length"
    before = browser.run(lines)
    browser.run("document.querySelector('#pose .legend button[data-face=\"2\"]').click()")
    browser.wait(f"{lines} < {before}")
    pressed = 'return [...document.querySelectorAll(\'[data-face="2"]\')].map(one => one.getAttribute("aria-pressed"))'
    assert set(browser.run(pressed)) == {"false"}
    browser.run("document.querySelector('#faces .legend button[data-face=\"2\"]').click()")
    browser.wait(f"{lines} === {before}")


def test_a_picture_is_shown_large_and_the_next_one_by_the_keyboard(browser: Browser, full: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.show(full, DESK)
    button = browser.driver.find_element(By.CSS_SELECTOR, ".pictures button")
    button.send_keys(Keys.ENTER)
    browser.wait("return document.querySelector('dialog').open")
    words = "return document.querySelector('dialog output').textContent"
    assert "face 1 appears" in browser.run(words)
    browser.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert "three faces at once" in browser.run(words)
    browser.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    browser.wait("return !document.querySelector('dialog').open")


def test_printed_it_is_light_and_fits_the_paper(browser: Browser, full: Path) -> None:
    browser.show(full, DESK, "dark")
    browser.run("dispatchEvent(new Event('beforeprint'))")
    browser.wait("return document.querySelector('.main-svg').getBoundingClientRect().width < 700")
    assert browser.run("return getComputedStyle(document.body).color") == "rgb(27, 34, 37)"
    browser.run("dispatchEvent(new Event('afterprint'))")
    browser.wait("return document.querySelector('.main-svg').getBoundingClientRect().width > 700")


def test_a_report_of_nearly_nothing_is_a_page_too(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(almost_empty_report()), encoding="utf-8")
    browser.show(path, PHONE)
    assert browser.run(SIDEWAYS) == []
    assert browser.problems() == []


def test_names_from_a_bag_run_no_script(browser: Browser, tmp_path: Path) -> None:
    series = (wave("pose.yaw_deg", EVIL, EVIL, 1, 0.0, 9.0), wave(f"coefficient.{EVIL}", EVIL, "", 1, 0.0, 9.0))
    report: Report = replace(full_report(), run=Run(EVIL, EVIL, EVIL, damage=(EVIL,)), series=series, notes=(EVIL,))
    path = tmp_path / "report.html"
    path.write_text(page(report), encoding="utf-8")
    browser.show(path, PHONE)
    assert browser.run("return document.title").startswith("</script>")
    assert browser.run("return document.querySelectorAll('img[src=x]').length") == 0
    assert browser.run(SIDEWAYS) == []
    assert browser.problems() == []
