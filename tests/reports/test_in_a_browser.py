"""Pages as a browser shows them: every chart is drawn, nothing is complained of, nothing leaves the page."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from regnet import MLPRegressorCV, report

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("Chromium is not installed")
    return found


def opened(browser, page, *options):
    """What the browser makes of a page: its document at the end, and what was written to the console."""
    run = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom",
         "--enable-logging=stderr", f"--user-data-dir={page.parent / 'profile'}", *options, page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return run.stdout, [line for line in run.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    X.columns = ["a.b", "[c]", "d'e", "<i>f</i>", "g\\h", *X.columns[5:]]  # what charts could take for their own signs
    search = MLPRegressorCV(
        (), lambdas=(0.0, *np.geomspace(0.01, 1.0, 5)), cv=3, random_state=0, keep_predictions=True
    ).fit(X, y)
    path = tmp_path_factory.mktemp("page") / "report.html"
    report(search, path, y=y)
    return path


def test_every_chart_is_drawn(browser, page):
    document, told = opened(browser, page)
    assert told == []
    drawn = re.findall(r'<div class="chart[^>]*id="chart(\d)".*?<svg.*?</svg>', document, re.DOTALL)
    assert drawn == ["0", "1", "2"]
    assert document.count("mark-symbol") >= 2
    for name in ("a.b", "[c]", "&lt;i&gt;f&lt;/i&gt;"):
        assert name in document


def test_a_phone(browser, page):
    document, told = opened(browser, page, "--window-size=400,800")
    assert told == []
    assert all(float(width) <= 500 for width in re.findall(r'<svg[^>]* width="([\d.]+)"', document))


def test_a_page_that_asks_for_something_is_told_of(browser, page, tmp_path):
    """The check itself: what the policy forbids, and what fails, is seen."""
    text = page.read_text(encoding="utf-8")
    for name, more in (("image", '<img src="http://127.0.0.1:9/x.png">'), ("script", "<script>nothing()</script>")):
        wrong = tmp_path / f"{name}.html"
        wrong.write_text(text.replace("</body>", f"{more}</body>"), encoding="utf-8")
        assert opened(browser, wrong)[1]
