"""The pages, opened in a real browser from a file: address.

They need playwright, axe-playwright-python and Debian's chromium; without them these
tests skip. ANYMAX_REQUIRE_BROWSER=1 turns that into a failure; CHROMIUM is its path.
"""

import json
import math
import os
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

import anymax as am
from anymax.checking.cells import measure
from anymax.explaining.heat import Matrix, equation
from anymax.explaining.mathml import mathml, sentence
from anymax.explaining.page import page
from anymax.pages import check_page, live_page, pairs_page

try:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
    MISSING = "" if CHROMIUM else "no chromium is on the path"
except ImportError as missing:
    MISSING = f"{missing.name} is not installed"

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MAPS = {
    "softmax": lambda T: am.Softmax(temperature=T),
    "sparsemax": lambda T: am.Sparsemax(temperature=T),
    "entmax": lambda T: am.Entmax(alpha=1.5, temperature=T),
    "taylor": lambda T: am.TaylorSoftmax(order=2),
    "sigmoid": lambda T: am.Sigmoid(),
    "tanh": lambda T: am.Tanh(),
}
TEMPERED = ("softmax", "sparsemax", "entmax")
LOSSES = {
    "cross_entropy": am.CrossEntropy(),
    "squared_error": am.SquaredError(),
    "binary_cross_entropy": am.BinaryCrossEntropy(),
    "huber": am.Huber(delta=1.0),
    "focal": am.Focal(gamma=2.0),
}
REFUSED = {
    ("tanh", each) for each in ("cross_entropy", "binary_cross_entropy", "focal")
}
KINDS = {
    "pair": lambda: explained(am.Softmax(), am.CrossEntropy()),
    "sparse": lambda: explained(am.Sparsemax(), am.BinaryCrossEntropy()),
    "past": lambda: explained(am.Softmax(), am.CrossEntropy(z_loss=0.1)),
    "network": lambda: page(networked().to_dict()),
    "live": live_page,
    "pairs": lambda: pairs_page(CELLS),
}
CELLS = [
    {name: None if value != value else value for name, value in vars(cell).items()}
    for cell in (
        measure(activation, loss)
        for activation in (am.Softmax(), am.Sparsemax(), am.Tanh(), am.Sigmoid())
        for loss in (am.CrossEntropy(), am.SquaredError(), am.Matching())
    )
]


def explained(activation, loss):
    z, y = [1.5, 0.5, -0.5, -2.0], [0, 1, 0, 0]
    return page(am.Pair(activation, loss).explanation(z, y).to_dict())


def networked():
    net = am.Chain(am.Dense(6), am.Tanh(), am.Dense(3), am.Softmax())
    net.build(4)
    objective = am.Objective(net, am.SquaredError())
    return objective.explanation(np.array([0.5, -1.0, 2.0, 0.3]), np.eye(3)[1])


def expected(map, loss, z, target, T):
    """What anymax computes; maps without a temperature are given z / T."""
    heat = 1.0 if map in TEMPERED else T
    pair = am.Pair(MAPS[map](T), LOSSES[loss])
    meeting = pair.meet(np.asarray(z) / heat, np.eye(4)[target - 1], reduce="none")
    point = meeting.point.fixed
    return {
        "a": point.output.a,
        "L": float(meeting.value),
        "J": point.jacobian.dense() / heat,
        "gradient": meeting.gradient()[0] / heat,
    }


def agree(found, right, scale=1.0):
    """To 1e-6, of max(1, size); infinities alike."""
    found, right = np.asarray(found, float), np.asarray(right, float)
    same = (found == right) | (np.isnan(found) & np.isnan(right))
    with np.errstate(invalid="ignore"):
        near = np.abs(found - right) <= 1e-6 * np.maximum(1, np.abs(right)) * scale
    assert np.all(same | near), (found, right)


# ---- without a browser


class Checker(HTMLParser):
    """Whether elements close in order, ids are single and nothing is fetched."""

    EMPTY = frozenset({"meta", "link", "input", "mspace", "br"})

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.hrefs = [], [], []
        self.feed(text)
        assert self.open == []
        assert len(self.ids) == len(set(self.ids))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in self.EMPTY:
            self.open.append(tag)
        if "id" in attrs and "template" not in self.open[:-1]:
            self.ids.append(attrs["id"])
        assert "src" not in attrs
        self.hrefs.append(attrs.get("href", "#"))

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_one_well_formed_file(kind):
    found = Checker(KINDS[kind]())
    assert all(each.startswith("#") or each == "data:," for each in found.hrefs)


def test_text_from_outside_is_escaped():
    made = (
        am.Pair(am.Softmax(), am.CrossEntropy()).explanation([0.5, -0.2], 1).to_dict()
    )
    evil = "<script>alert(1)</script>"
    made["title"] = made["loss"]["loss"] = made["loss"]["doubt"] = evil
    for step in made["steps"]:
        step["map"] = step["formula"] = step["name"] = evil
        step["jacobian"]["structure"] = step["jacobian"]["cancelled"] = evil
        step["backward"] = {"row": evil, "column": evil}
    assert "<script" not in page(made)
    cell = {**CELLS[0], "activation": evil, "loss": evil, "sentence": evil}
    assert "<script>alert" not in pairs_page([cell])


def test_a_large_network_fits_on_a_page():
    net = am.Chain(am.Dense(32), am.ReLU(), am.Dense(10), am.Softmax())
    net.build(64)
    x = np.random.default_rng(0).normal(size=64)
    made = am.Objective(net, am.CrossEntropy()).explanation(x, 3)
    text = page(made.to_dict())
    assert len(text) < 3_000_000
    assert "12 of 2048 entries" in text


def test_every_number_of_a_small_explanation_is_on_its_page():
    text = page(networked().to_dict())
    for value in networked().to_dict()["inputs"]:
        for each in value["gradient"]:
            assert f"{each:.6g}".replace("-", "−") in text


def test_numbers_that_are_none_are_drawn():
    drawn = equation(Matrix([["inf", "-inf", "nan", None, 0.0]], "g"))
    for words in ("∞", "−∞", "NaN", "–", ">0<"):
        assert words in drawn


def test_formulas_become_mathml_and_words_stay():
    assert "<msup><mi>s</mi><mo>⊤</mo></msup>" in mathml("s s^T / |s|")
    assert "<mfrac>" in mathml("dL/dz = J^T dL/da")
    assert sentence("a = z^2, such that it sums to one.").endswith(
        "</math>\u2060, such that it sums to one"
    )
    for text in ("((", "))", "^", "a^", "<<", "a_", "-", "", "x > 0 < y)"):
        Checker(mathml(text))


def test_the_table_of_all_pairs_stays_small():
    one = len(pairs_page(CELLS)) - len(pairs_page(CELLS[:1]))
    assert one / (len(CELLS) - 1) * 34 * 23 < 4_000_000


# ---- in a browser


@pytest.fixture(scope="module")
def browser():
    if MISSING:
        if os.environ.get("ANYMAX_REQUIRE_BROWSER") == "1":
            pytest.fail(f"ANYMAX_REQUIRE_BROWSER is set, but {MISSING}.")
        pytest.skip(
            f"the pages are tested in a browser, and {MISSING}: "
            "apt-get install chromium, and pip install 'anymax[browser]'"
        )
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield made
        made.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The addresses of all pages, written once."""
    where = tmp_path_factory.mktemp("pages")
    for name, make in KINDS.items():
        (where / f"{name}.html").write_text(make(), "utf-8")
    return {name: (where / f"{name}.html").as_uri() for name in KINDS}


@pytest.fixture
def visit(browser, files):
    """Open a page; at the end nothing was logged and nothing but itself was asked."""
    opened, heard, asked = [], [], []

    def go(name, after="", width=1280, theme="light"):
        tab = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme=theme
        )
        tab.on("console", lambda said: heard.append(said.text))
        tab.on("pageerror", lambda error: heard.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(files[name] + after)
        opened.append(tab)
        return tab

    yield go
    for tab in opened:
        tab.close()
    assert heard == []
    outside = [url for url in asked if not url.startswith(("file:", "data:"))]
    assert outside == []
    assert len([url for url in asked if url.startswith("file:")]) == len(opened)


def column(tab, name):
    cells = tab.locator(f'#table td[data-is="{name}"]').evaluate_all(
        "each => each.map(cell => cell.dataset.value)"
    )
    return [float(each.replace("Infinity", "inf")) for each in cells]


def shows(tab, map, loss, z, target, T):
    """The page's numbers are Python's."""
    right = expected(map, loss, z, target, T)
    agree(column(tab, "z"), z)
    agree(column(tab, "a"), right["a"])
    size = max(1.0, float(np.linalg.norm(right["gradient"])))
    agree(column(tab, "gradient"), right["gradient"], size)
    L = tab.locator("#L").get_attribute("data-value")
    agree(float(L.replace("Infinity", "inf")), right["L"])


def test_the_live_chain_is_what_python_computes(visit):
    rng = np.random.default_rng(0)
    asked = [
        [map, loss, np.round(rng.uniform(-5, 5, 4), 2).tolist(), target, T]
        for map in MAPS
        for loss in LOSSES
        if (map, loss) not in REFUSED
        for T in (0.1, 0.7, 1.0, 3.4)
        for target in (1, 2, 3, 4)
    ]
    tab = visit("live")
    # JSON has no infinities
    found = json.loads(
        tab.evaluate(
            """asked => JSON.stringify(
                asked.map(([map, loss, z, target, T]) => {
                    const y = z.map((_, i) => (i + 1 === target ? 1 : 0));
                    return chain(map, loss, z, y, T);
                }),
                (_, v) => typeof v === "number" && !isFinite(v)
                    ? String(v).replace("Infinity", "inf") : v)""",
            asked,
        )
    )
    for (map, loss, z, target, T), made in zip(asked, found, strict=True):
        right = expected(map, loss, z, target, T)
        size = max(1.0, float(np.linalg.norm(right["gradient"])))
        agree(made["a"], right["a"])
        agree(made["L"], right["L"])
        agree(made["J"], right["J"])
        agree(made["gradient"], right["gradient"], size)


def test_dragging_a_logit_changes_the_numbers(visit):
    tab = visit("live", "#map=entmax&loss=squared_error&target=2&T=1.5&z=1,0.5,-1,0")
    shows(tab, "entmax", "squared_error", [1, 0.5, -1, 0], 2, 1.5)
    box = tab.locator('[data-logit="2"] circle').nth(1).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 40, y, steps=3)
    tab.mouse.up()
    z = column(tab, "z")
    assert z[2] > -0.5
    shows(tab, "entmax", "squared_error", z, 2, 1.5)
    assert f"{z[2]:g}" in tab.url


def test_keys_move_a_logit_and_the_temperature(visit):
    tab = visit("live", "#map=taylor&loss=focal&target=1&T=1&z=1,0,-1,2")
    handle = tab.locator('[data-logit="1"]')
    handle.focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowUp", "ArrowLeft"):
        handle.press(key)
    shows(tab, "taylor", "focal", [1, 1.1, -1, 2], 1, 1.0)
    handle.press("End")
    assert handle.get_attribute("aria-valuenow") == "5"
    slider = tab.locator("#T")
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    shows(tab, "taylor", "focal", [1, 5, -1, 2], 1, 1.25)


def test_the_slider_and_the_choices_change_the_numbers(visit):
    tab = visit("live")
    z = [1.5, 0.5, -0.5, -2]
    tab.locator("#T").fill("2.5")
    shows(tab, "softmax", "cross_entropy", z, 2, 2.5)
    tab.get_by_label("binary cross-entropy", exact=True).check()
    tab.get_by_label("sigmoid", exact=True).check()
    tab.get_by_label("4", exact=True).check()
    shows(tab, "sigmoid", "binary_cross_entropy", z, 4, 2.5)
    tab.get_by_role("button", name="start again").click()
    shows(tab, "softmax", "cross_entropy", z, 2, 1.0)


@pytest.mark.parametrize(("map", "loss"), sorted(REFUSED))
def test_a_refused_pair_says_why_in_pythons_words(visit, map, loss):
    with pytest.raises(am.DomainError) as refusal:
        am.Pair(MAPS[map](1.0), LOSSES[loss])
    tab = visit("live", f"#map={map}&loss={loss}")
    assert str(refusal.value) in tab.locator("#said").inner_text()
    assert not tab.locator("#numbers").is_visible()
    assert not tab.locator("#equation").is_visible()


def test_a_cell_opens_its_pair_and_escape_closes_it(visit):
    tab = visit("pairs")
    tab.get_by_label("Softmax with CrossEntropy: fused").click()
    dialog = tab.locator("dialog")
    right = am.Pair(am.Softmax(), am.CrossEntropy()).gradient([0.4, 0.9, -0.6], 0)
    said = dialog.inner_text()
    for each in right:
        assert f"{each:.6g}".replace("-", "−") in said
    assert dialog.locator("svg[role=img]").count() == 1
    tab.keyboard.press("Escape")
    assert not dialog.is_visible()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Enter")
    dialog.wait_for(state="visible")
    assert "Sparsemax with SquaredError" in dialog.inner_text()


def test_a_refused_cell_says_why(visit):
    tab = visit("pairs", "#Tanh+CrossEntropy")
    (cell,) = (
        c for c in CELLS if (c["activation"], c["loss"]) == ("Tanh()", "CrossEntropy()")
    )
    assert cell["sentence"] in tab.locator("dialog").inner_text()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, kind, theme):
    tab = visit(kind, "#Softmax+CrossEntropy" if kind == "pairs" else "", theme=theme)
    found = Axe().run(tab).response["violations"]
    bad = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [(each["id"], each["nodes"][0]["html"]) for each in bad] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_fits_a_telephone(visit, kind):
    tab = visit(kind, width=360)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("kind", ["pair", "live", "pairs"])
def test_the_theme_follows_the_system_until_it_is_chosen(visit, kind):
    ground = "getComputedStyle(document.body).backgroundColor"
    tab = visit(kind, theme="dark")
    dark = tab.evaluate(ground)
    tab.get_by_label("light", exact=True).check()
    light = tab.evaluate(ground)
    assert light != dark
    assert visit(kind, theme="light").evaluate(ground) == light
    tab.get_by_label("auto", exact=True).check()
    assert tab.evaluate(ground) == dark
    tab.emulate_media(media="print")
    assert tab.evaluate(ground) == light


def test_the_live_page_says_how_it_fails_where_a_factor_is_no_number(visit):
    tab = visit("live", "#map=sparsemax&loss=cross_entropy&target=1&T=1&z=3,0,-1,-2")
    assert any(math.isnan(each) for each in column(tab, "unfused"))
    assert all(math.isfinite(each) for each in column(tab, "gradient"))


def test_a_check_is_a_page_too(tmp_path):
    class Diagonal:
        def forward(self, z):
            return am.softmax(z)

        def backward(self, z, g):
            a = am.softmax(z)
            return a * (1 - a) * g

    text = check_page(am.check(Diagonal).as_dict())
    for part in ("diagonal-only", "The line that mends it", "Content-Security-Policy"):
        assert part in text
    assert "<script" not in text
    assert "is right" in check_page(am.check(am.Softmax()).as_dict())
