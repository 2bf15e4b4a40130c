"""`jaxscale report`: what its page says, in a real browser, and what happens to text that means harm."""

import importlib
import itertools
import json
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import jaxscale as js
from jaxscale._palette import COLOURS
from jaxscale.cli import run
from jaxscale.io import DataSets, ReadSummary
from jaxscale.reports import report

HARM = """<script>window.harmed = 1</script></script><img src=x onerror="window.harmed=1">"'&javascript:harm()"""
GROUPS = 10


class Elements(HTMLParser):
    """The elements of a page, its headings, ids and links, and the text of its scripts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.ids, self.links, self.scripts, self.charts = [], [], [], [], []
        self.inside = None
        self.scrolled = 0
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append(tag)
        self.scrolled += values.get("class") == "scroll" and values["tabindex"] == "0" and bool(values["aria-label"])
        self.charts += [values["data-chart"]] if "data-chart" in values else []
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if "href" in values else []
        assert not [name for name in values if name.startswith("on")]
        if tag == "script":
            self.scripts.append((values, ""))
        self.inside = tag

    def handle_data(self, data):
        if self.inside == "script":
            values, text = self.scripts[-1]
            self.scripts[-1] = (values, text + data)

    def handle_endtag(self, tag):
        self.inside = None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ballots with a filter, and attempts of ten models; ids, answers, names of a model and a file mean harm."""
    folder = tmp_path_factory.mktemp("report")
    rng = np.random.default_rng(0)
    rows = []
    for i in range(24):
        label = HARM if i == 0 else f"q{i}"
        right = rng.binomial(20, 0.7 if i < 12 else 0.35)
        rows += [
            {"problem": label, "answer": HARM, "count": int(right), "correct": 1, "kept": int(right)},
            {"problem": label, "answer": "8", "count": 19 - int(min(right, 19)), "correct": 0, "kept": 2},
            {"problem": label, "answer": "", "count": 1, "correct": 0, "kept": 0},
        ]
    for row in rows:
        row["kept"] = min(row["kept"], row["count"])
    lines = "\n".join(json.dumps(row) for row in rows)
    (folder / "<img src=x onerror=alert(1)>.jsonl").write_text(lines)
    rows = [
        {"model": HARM if m == 3 else f"model {m}", "problem": i, "attempts": 40, "successes": int(s)}
        for m in range(GROUPS)
        for i, s in enumerate(rng.binomial(40, rng.beta(0.4, 8 - m / 2, 15)))
    ]
    (folder / "attempts.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    models = dict.fromkeys(row["model"] for row in rows)
    prices = [f"[{json.dumps(name)}]\nper_call = {1 + place}\n" for place, name in enumerate(models)]
    (folder / "prices.toml").write_text("".join(prices))
    return folder


@pytest.fixture(scope="module")
def pages(folder):
    """The files of two pages: a vote, and several models with prices."""
    vote, models = folder / "vote.html", folder / "models.html"
    prices = ("--prices", str(folder / "prices.toml"))
    assert run(["report", str(folder / "<img src=x onerror=alert(1)>.jsonl"), "--k", "7,33", "-o", str(vote)]) == 0
    assert run(["report", str(folder / "attempts.jsonl"), "--group", "model", *prices, "-o", str(models)]) == 0
    assert not [name for name in os.listdir(folder) if "part" in name]
    return {"vote": vote, "models": models}


@pytest.mark.parametrize("name", ["vote", "models"])
def test_the_page_is_whole_and_holds_no_foreign_element(pages, name):
    page = pages[name].read_text()
    assert len(page) < 2_000_000
    elements = Elements(page)
    assert elements.tags.count("script") == 3
    assert not {"img", "iframe", "object", "link", "base", "embed"}.intersection(elements.tags)
    assert len(set(elements.ids)) == len(elements.ids)
    assert {link.removeprefix("#") for link in elements.links} <= set(elements.ids)
    headings = [int(tag[1]) for tag in elements.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(headings))
    (data,) = (text for values, text in elements.scripts if values.get("type") == "application/json")
    assert sorted(json.loads(data)) == sorted(elements.charts)
    # Every chart has a table, and every table can be scrolled to with the keyboard.
    assert elements.tags.count("table") == elements.scrolled >= len(elements.charts) + 2


def test_numbers_are_those_of_the_verbs(folder, pages):
    (text,) = re.findall('id="charts">(.*)</script>', pages["models"].read_text())
    rows = json.loads(text)["coverage-chart"]["spec"]["data"]["values"]
    rows = [row for row in rows if row["name"] == HARM and "joint" not in row]
    attempts = js.read_attempts(folder / "attempts.jsonl", "model")[HARM]
    values = {
        kind: np.array([row["value"] for row in rows if row["kind"] == kind]) for kind in ("estimate", "forecast")
    }
    k = np.array([row["k"] for row in rows])
    assert (k[0], k[-1]) == (1, 400)
    assert {10, 40, 100} <= set(k.tolist())
    assert values["estimate"] == pytest.approx(js.pass_at_k(attempts, k[k <= 40]).value, rel=1e-4)
    ahead = js.forecast(js.PassAtK(), attempts, k)
    assert values["forecast"] == pytest.approx(ahead.value[k > 40], rel=1e-4)
    assert [row["upper"] for row in rows] == pytest.approx(ahead.upper.tolist(), rel=1e-4)


def test_what_was_left_out_and_who_judged_are_said():
    read = ReadSummary(
        "lm-eval", ("a.jsonl",), "attempts", "<first>", ("<first>", "all"), (("odd lines", 1200),), (), ()
    )
    page = report(DataSets({"all": js.Attempts([20] * 12, [0, 3] * 6)}, read))
    for fact in ("a.jsonl", "lm-eval, attempts", "&lt;first&gt;, of &lt;first&gt; and all", "1,200 odd lines"):
        assert f"<dd>{fact}</dd>" in page


def test_the_same_data_give_the_same_page():
    data = {"all": js.Attempts([20] * 12, [0, 3] * 6)}
    assert report(data) == report(data)


DECISIONS = {
    "falls": ([(8, 12)] * 12, "Ask once: a vote is no better than one call, which is right for 40.0%"),
    "rises": (
        [(14, 6)] * 12,
        r"Take the most frequent of \d+ answers: about 9.* right \(a forecast\) instead of 70.0%; more calls would add",
    ),
    "sure": ([(20, 0)] * 12, "Ask once: a vote is no better than one call, which is right for 100%"),
    "few": ([(3, 1)] * 12, "too few calls were recorded to judge a vote"),
}


@pytest.mark.filterwarnings("ignore:.*from the prior alone")  # of "sure"
@pytest.mark.parametrize("name", DECISIONS)
def test_the_headline_is_the_decision(name):
    counts, expected = DECISIONS[name]
    page = report({"all": js.Ballots(counts, [[True, False]] * 12)})
    assert re.search(f"<h1>.*{expected}.*</h1>", page)
    assert "<dt>Few queries" in page


def test_notes_and_bad_arguments():
    attempts = js.Attempts([3, 7, 10], [1, 1, 0])
    page = report({"all": attempts}, notes=["2 < 3"])
    assert "2 &lt; 3" in page
    for title in (
        "Sampling stopped at the first success",
        "Uneven numbers of calls",
        "Many queries were never solved",
    ):
        assert title in page
    for data in ({}, attempts, {"all": 3}):
        with pytest.raises(ValueError, match="data: expected a dictionary"):
            report(data)
    with pytest.raises(ValueError, match="level = 2"):
        report({"all": attempts}, level=2)
    with pytest.raises(ValueError, match="calls = "):
        report({"all": attempts}, [0])


REFUSED = {
    "no such file": (["none.csv", "-o", "out.html"], "none.csv: no such file"),
    "neither": (["neither.csv", "-o", "out.html"], "neither.csv: no column"),
    "a bad row": (["row.csv", "-o", "out.html"], "row.csv, line 2: successes = 2 of attempts = 1"),
    "nowhere": (["row.csv", "-o", "no/out.html"], "--output = 'no/out.html': no such directory"),
    "no page": (["row.csv", "-o", "out.pdf"], "--output = 'out.pdf': expected a name that ends in .html"),
    "a level": (["good.csv", "-o", "out.html", "--level", "1"], "--level = 1.0: expected a number between 0 and 1"),
    "a number": (["good.csv", "-o", "out.html", "--k", "0"], "--calls = '0'"),
    "no output": (["good.csv"], "--output"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_one_line_and_nothing_written(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    Path("row.csv").write_text("problem,attempts,successes\na,1,2\n")
    Path("good.csv").write_text("problem,attempts,successes\na,2,1\n")
    Path("neither.csv").write_text("problem,colour\na,red\n")
    before = sorted(os.listdir())
    arguments, expected = REFUSED[name]
    assert run(["report", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert expected in err
    assert sorted(os.listdir()) == before


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("no browser is installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"), executable_path=CHROMIUM, headless=True, args=OPTIONS
        )
        yield context
        context.close()


@pytest.fixture(scope="module")
def opened(browser, pages):
    """Both pages, drawn; what the browser complained of or asked for is in their lists."""
    opened = {}
    for name, file in pages.items():
        page = browser.new_page()
        said = []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        page.on("request", lambda request, said=said: said.append(request.url))
        page.goto(file.as_uri())
        drawn(page)
        opened[name] = (page, said)
    return opened


def drawn(page, turn=1):
    charts = page.locator("[data-chart]")
    page.locator(f"[data-drawn='{turn}']").nth(charts.count() - 1).wait_for(state="attached", timeout=20_000)


def lines(page, chart):
    return page.locator(f"[data-chart={chart}] .mark-line path[stroke-width='2.2']").count()


@pytest.mark.parametrize("name", ["vote", "models"])
def test_charts_are_drawn_and_nothing_is_loaded_or_complained_of(opened, pages, name):
    page, said = opened[name]
    assert said == [pages[name].as_uri()]
    assert page.evaluate("window.harmed") is None
    for chart in page.locator("[data-chart]").all():
        assert chart.locator("svg .mark-area path, svg .mark-line path, svg .mark-rect path").count() > 0
        assert chart.locator("svg [aria-label]").first.get_attribute("aria-label")


def test_harm_is_shown_as_text(opened):
    page, _ = opened["models"]
    assert page.locator("#answer tbody th").all_inner_texts().count(HARM) == 1
    assert page.locator("select option").first.evaluate("node => node.parentElement.options.length") == GROUPS
    page, _ = opened["vote"]
    assert {"7", "33"} <= set(page.locator("#answer tbody th").all_inner_texts())
    assert "jsonl, ballots" in page.locator("#read dd").all_inner_texts()
    assert "<img src=x onerror=alert(1)>.jsonl" in page.locator("#read dd").first.inner_text()
    assert HARM in page.locator("#spread tbody th").all_text_contents()
    assert "<img src=x onerror=alert(1)>.jsonl" in page.title()


def test_curves_are_toggled_by_mouse_and_keyboard(opened):
    page, _ = opened["models"]
    before = lines(page, "coverage-chart")
    page.locator("[data-chart=coverage-chart] summary").first.click()
    boxes = page.locator("[data-chart=coverage-chart] input[name=curve]")
    assert boxes.count() == GROUPS
    shown = [box for box in boxes.all() if box.is_checked()]
    shown[0].uncheck()
    assert lines(page, "coverage-chart") == before - 2  # solid and dashed
    shown[0].focus()
    page.keyboard.press("Space")
    assert shown[0].is_checked()
    assert lines(page, "coverage-chart") == before
    chart = page.locator("[data-chart=coverage-chart]")
    chart.get_by_role("button", name="All").click()
    assert lines(page, "coverage-chart") == 2 * GROUPS
    assert chart.locator(".legend li").count() == GROUPS
    chart.get_by_role("button", name="First selection").click()
    assert lines(page, "coverage-chart") == before


def test_axes_change_and_a_data_set_is_chosen(opened):
    page, said = opened["models"]
    axis = page.locator("[data-chart=coverage-chart] .role-axis-label").first
    before = axis.text_content()
    page.get_by_label("logarithmic calls").uncheck()
    drawn_again = page.locator("[data-chart=coverage-chart][data-drawn='2']")
    drawn_again.wait_for()
    assert axis.text_content() != before
    bars = page.locator("[data-chart=spread-chart] .mark-rect path")
    heights = [bar.get_attribute("d") for bar in bars.all()]
    page.locator("[data-chart=spread-chart] select").select_option(index=GROUPS - 1)
    page.wait_for_timeout(100)
    assert [bar.get_attribute("d") for bar in bars.all()] != heights
    assert len(set(said)) == 1  # the page alone, however often


POINTS = """key => {
  const chart = all.find(each => each.figure.dataset.chart === key);
  const { spec, view, slots } = chart;
  const left = view.origin()[0] + view.padding().left, top = view.origin()[1] + view.padding().top;
  const field = spec.encoding.x.field;
  const x = view.scale("x"), y = view.scale("y");
  const inside = (place, [a, b]) => Math.min(Math.max(place, Math.min(a, b) + 2), Math.max(a, b) - 2);
  const shown = row => row.group === undefined ? slots.includes(row.name) : row.group === view.signal("one");
  return spec.data.values.filter(row => !row.joint && shown(row)).map(row => ({
    row, x: left + inside(x(row[field]), x.range()), y: top + inside(y(row.value), y.range())
  }));
}"""


def tip_at(page, x, y):
    """What the page says at a place, line by line."""
    page.mouse.move(0, 0)
    page.mouse.move(x, y)
    tip = page.locator("#vg-tooltip-element.visible")
    tip.wait_for(timeout=2000)
    return dict(line.split("\t") for line in tip.inner_text().splitlines())


MEASURES = {
    "vote-chart": "queries answered rightly by a vote",
    "coverage-chart": "queries solved by at least one call",
    "cost-chart": "coverage",
}


def expected_tip(chart, row):
    if chart == "parts-chart":
        return {"queries": row["part"], "calls": f"{row['k']:,}", "accuracy": f"{row['value']:.2%}"}
    cost = {"cost": f"{float(format(row['cost'], '.5g')):,.9g}"} if "cost" in row else {}
    value = {"calls": f"{row['k']:,}", MEASURES[chart]: f"{row['value']:.2%}"}
    return {"curve": row["name"], **cost, **value, "90% interval": row["interval"], "kind": row["kind"]}


@pytest.mark.parametrize(
    ("name", "chart"),
    [
        ("vote", "vote-chart"),
        ("vote", "parts-chart"),
        ("vote", "coverage-chart"),
        ("models", "coverage-chart"),
        ("models", "cost-chart"),
    ],
)
def test_every_point_of_a_curve_says_its_own_numbers(opened, name, chart):
    page, _ = opened[name]
    page.reload()  # as it is before anybody chose other axes
    drawn(page)
    plot = page.locator(f"[data-chart={chart}] .plot svg")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    points = page.evaluate(POINTS, chart)
    assert len({point["row"].get("name", point["row"].get("part")) for point in points}) == {"models": 6}.get(
        name, {"vote-chart": 2, "parts-chart": 3}.get(chart, 1)
    )
    for point in points[:: 1 + len(points) // 12]:
        # Points may lie upon each other.
        near = [each["row"] for each in points if np.hypot(each["x"] - point["x"], each["y"] - point["y"]) < 2]
        said = tip_at(page, box["x"] + point["x"], box["y"] + point["y"])
        assert said in [expected_tip(chart, row) for row in near]


@pytest.mark.parametrize(
    ("name", "chart"), [("vote", "margins-chart"), ("vote", "spread-chart"), ("models", "spread-chart")]
)
def test_every_bar_says_its_own_numbers(opened, name, chart):
    page, _ = opened[name]
    rows = page.evaluate("key => all.find(each => each.figure.dataset.chart === key).spec.data.values", chart)
    bars = [bar for bar in page.locator(f"[data-chart={chart}] .mark-rect path").all() if bar.bounding_box()["height"]]
    assert bars
    for bar in bars[:: 1 + len(bars) // 12]:
        bar.scroll_into_view_if_needed()
        box = bar.bounding_box()
        shown = bar.evaluate("each => each.__data__.datum")
        (row,) = (row for row in rows if row.items() <= shown.items())
        if chart == "margins-chart":
            low, high = (f"{100 * row[end]:+.0f}%".replace("+0%", "0%") for end in ("low", "high"))
            expected = {"queries are": row["part"], "lead": f"{low} to {high}"}
        else:
            expected = {"right": row["share"]}
        said = tip_at(page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert said == {**expected, "queries": str(row["queries"])}


def test_a_data_set_has_the_colour_of_its_place_as_in_the_pictures(opened):
    page, _ = opened["models"]
    names = [HARM if m == 3 else f"model {m}" for m in range(GROUPS)]
    box = "[data-chart=coverage-chart] input[name=curve]:checked"
    swatches = page.evaluate(
        """boxes => Object.fromEntries([...document.querySelectorAll(boxes)].map(box =>
          [box.value, box.parentElement.querySelector(".swatch").style.getPropertyValue("--colour")]))""",
        box,
    )
    own = {name: COLOURS[names.index(name) % len(COLOURS)] for name in swatches}
    assert len(set(swatches.values())) == len(swatches) == 6
    # A second one of a colour takes one that is free.
    repeated = len(own) - len(set(own.values()))
    assert sum(swatches[name] != colour for name, colour in own.items()) == repeated
    assert set(swatches.values()) <= set(COLOURS)


def test_an_axis_has_no_sign_at_nothing(opened):
    page, _ = opened["vote"]
    labels = page.locator("[data-chart=margins-chart] .role-axis-label").first.locator("text").all_text_contents()
    assert "0%" in labels
    assert "+0%" not in labels


def test_a_table_that_goes_on_says_so(opened):
    page, _ = opened["vote"]
    page.set_viewport_size({"width": 390, "height": 800})
    wide = page.locator("#answer .scroll")
    assert wide.evaluate("each => each.scrollWidth > each.clientWidth")
    assert wide.evaluate("each => getComputedStyle(each).backgroundAttachment") == "local, local, scroll, scroll"
    page.set_viewport_size({"width": 1280, "height": 720})


def test_dark_and_narrow(opened):
    page, said = opened["vote"]
    paper = "getComputedStyle(document.body).backgroundColor"
    seen = f"[{paper}, document.querySelector('svg text').getAttribute('fill')]"
    light = page.evaluate(seen)
    page.emulate_media(color_scheme="dark")
    drawn(page, 2)
    dark = page.evaluate(seen)
    assert light[0] != dark[0]
    assert light[1] != dark[1]
    page.set_viewport_size({"width": 390, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    for _ in range(100):  # until what is drawn anew fits: the page's policy lets no script of ours wait for it
        if page.evaluate("document.documentElement.scrollWidth") <= 390:
            break
        page.wait_for_timeout(100)
    widths = page.evaluate(
        "[...document.querySelectorAll('.plot svg')].map(each => each.getBoundingClientRect().width)"
    )
    assert all(200 < width <= 390 for width in widths)
    assert len(set(said)) == 1  # the page alone, however often


def test_a_link_opens_what_it_points_to(opened):
    page, _ = opened["models"]
    page.locator("#answer thead a").first.click()
    assert page.locator("#how details[open]").count() == 1


def test_very_many_attempts_have_a_page():
    page = report({"all": js.Attempts([10**12] * 4, [0, 3, 1000, 10**12 // 2])})
    assert "50.0%" in page
    assert "1,000,000,000,000 calls" in page


def test_the_library_of_pictures_is_made_once_and_kept(tmp_path, monkeypatch):
    page = importlib.import_module("jaxscale.reports._page")
    made = []
    monkeypatch.setattr("vl_convert.javascript_bundle", lambda *_, **__: made.append(1) or "script")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert page._library.__wrapped__() == page._library.__wrapped__() == "script"
    assert made == [1]
    # Without a place to keep it, it is made each time.
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert page._library.__wrapped__() == page._library.__wrapped__() == "script"
    assert made == [1, 1, 1]
