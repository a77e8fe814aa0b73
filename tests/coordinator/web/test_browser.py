"""The dashboard in a browser: a job handed in by a client, its curve seen to move, cancelled from the page."""

import csv
import os
import re
import shutil
import time

import numpy as np
import pytest

from bptrain.v1.admin_service_pb2 import Scope
from coordinator.app import Settings
from coordinator.client import Client
from coordinator.embedded import embedded
from coordinator.ports import LOOPBACK, Listen
from coordinator.terminal.differing import differing

playwright = pytest.importorskip("playwright.sync_api", reason="needs pip install 'bptrain[dev]'")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]
DEADLINE_MS = 60_000
PICTURE = "document.querySelector('.u-wrap canvas').toDataURL()"
LONG = {"name": "long", "checkpoint": {"every_steps": 200}}


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("needs a browser: apt-get install chromium")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, site, request):
    """A page of the dashboard that says nothing on its console and loads nothing from elsewhere; as wide as a desk's unless
    asked for otherwise."""
    width, height, scheme = getattr(request, "param", (1360, 900, "light"))
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce")
    context.set_default_timeout(DEADLINE_MS)
    playwright.expect.set_options(timeout=DEADLINE_MS)
    opened, said, loaded = context.new_page(), [], []
    opened.on("console", lambda message: re.search("status of 40[04]", message.text) or said.append(message.text))  # which it says of every refused call
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda asked: loaded.append(asked.url))
    yield opened
    context.close()
    assert said == [] and {url for url in loaded if not url.startswith((site[0].web_address, "blob:"))} == set()


@pytest.fixture(scope="module")
def running(site, endless):
    """The id of a job that trains for long."""
    return site[1].submit(endless(**LONG)).id


def overflow(page):
    """How much wider than the window the page is."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def points(page):
    """How many points the first chart has seen of its curve."""
    return int(page.locator(".chart header span").first.inner_text().split(" point")[0].split(" of ")[-1].replace(",", ""))


def test_a_job_in_folds_shows_each_with_its_curve_and_mean_and_deviation(site, page, small):
    server, client, _ = site
    job = client.submit(small(name="folded", data={"train": {"npz": {"path": "train.npz"}}}, folds=3, ranks=1)).id
    page.goto(f"{server.web_address}/#/jobs/{job}")
    playwright.expect(page.locator(".folds")).to_contain_text(re.compile(r"mean ± deviation.* ± "), timeout=DEADLINE_MS)
    playwright.expect(page.locator(".chips")).to_have_text(re.compile("fold 1.*fold 2.*fold 3"))
    playwright.expect(page.locator(".chart header").first).to_contain_text("point")
    page.goto(server.web_address)
    playwright.expect(page.locator(".jobs tr", has_text=job).locator(".spark path")).to_have_attribute("d", re.compile("^M[^M]+M[^M]+M"), timeout=DEADLINE_MS)
    page.go_back()
    page.locator(".folds a").nth(1).click()
    playwright.expect(page.locator(".head")).to_contain_text(f"{job}-2")


@pytest.mark.slow
def test_folds_are_followed_by_the_stream_and_nobody_asks(site, page, endless):
    client, asked = site[1], []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    job = client.submit(endless(name="folds-on", data={"train": {"npz": {"path": "train.npz"}}}, folds=2, ranks=1)).id
    page.goto(f"{site[0].web_address}/#/jobs/{job}")
    playwright.expect(page.locator(".folds .state.running")).to_have_count(2, timeout=DEADLINE_MS)
    steps = page.locator(".folds tbody .num:nth-child(2)").first

    def is_asked_for():
        """While it moves."""
        before, seen = asked.count("GetJob"), {steps.inner_text()}
        while len(seen) < 4:
            page.wait_for_timeout(100)
            seen.add(steps.inner_text())
        return asked.count("GetJob") > before

    assert not all(is_asked_for() for _ in range(3))  # the first time it may be, for what its start has brought about
    assert "QueryMetrics" in asked
    client.cancel(job, "now")
    page.locator(".head .state.cancelled").wait_for()


def test_a_job_that_a_client_hands_in_appears_and_its_curve_moves(site, page, running):
    page.goto(site[0].web_address)
    page.locator(".jobs .name", has_text="long").click()
    page.locator(".u-wrap canvas").first.wait_for()
    before, picture = points(page), page.evaluate(PICTURE)
    while points(page) < before + 20:
        page.wait_for_timeout(200)
    until = time.monotonic() + DEADLINE_MS / 1000
    while page.evaluate(PICTURE) == picture:  # it is drawn behind the words
        assert time.monotonic() < until
        page.wait_for_timeout(200)
    assert page.locator(".state.running").count() == 1


@pytest.mark.slow
def test_the_list_moves_with_the_jobs_and_nobody_asks_for_it(site, page, running, endless):
    asked = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.goto(site[0].web_address)
    steps = page.locator(".jobs tr", has_text="long").locator(".progress span")
    seen = {steps.inner_text()}
    while len(seen) < 4:
        page.wait_for_timeout(200)
        seen.add(steps.inner_text())
    assert asked.count("WatchJobs") == 1
    waits = site[1].submit(endless(**LONG | {"name": "waits"})).id
    page.locator(".jobs tr", has_text=waits).wait_for()
    site[1].cancel(waits, "now")
    page.locator(".jobs tr", has_text=waits).locator(".state.cancelled").wait_for()
    assert asked.count("WatchJobs") == 1


@pytest.mark.slow
def test_the_list_is_narrowed_by_words_and_states_and_ordered_by_a_column(site, page, running, small):
    server, client, job_id = site
    other = client.submit(small(name="narrowed", labels={"team": "vision"})).id
    client.cancel(other)
    shown = page.locator(".jobs tbody tr .id")
    page.goto(server.web_address)
    page.locator(".jobs tr", has_text=other).wait_for()
    assert shown.first.inner_text() == running  # what runs is first
    page.get_by_role("searchbox").fill("team=vis")
    playwright.expect(shown).to_have_text([other])
    page.get_by_role("searchbox").fill("")
    page.get_by_title("Of which state").select_option("succeeded")
    playwright.expect(page.locator(".jobs .state:not(.succeeded)")).to_have_count(0)
    page.get_by_title("Of which state").select_option("all states")
    page.get_by_role("button", name="Submitted").click()
    playwright.expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    playwright.expect(shown.first).to_have_text(job_id)
    page.get_by_role("searchbox").fill("no such job")
    page.get_by_text("No job is like this.").wait_for()


@pytest.mark.slow
def test_a_token_is_asked_for_once_and_again_when_somebody_presses_the_button_and_outlives_the_coordinator(browser, tmp_path, data_root):
    with embedded(Settings(tmp_path, data_root, 1), Listen(LOOPBACK, 0, 0, None, 0)) as server, Client(server.address) as client:
        secret, page = client.create_token("chief", Scope.SCOPE_ADMIN, 3600).secret, browser.new_page()
        page.goto(server.web_address)
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("alert").get_by_text("this coordinator wants a token").wait_for()
        with page.expect_response(lambda response: response.status == 401):
            pass  # asked for again, with no question
        assert not page.get_by_role("dialog").is_visible()
        page.get_by_role("button", name="Token").click()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Token").press("Enter")
        page.get_by_label("Token", exact=True).fill("bpt_wrong")
        page.keyboard.press("Enter")
        page.get_by_role("dialog").get_by_text("token").first.wait_for()
        page.get_by_label("Token", exact=True).fill(secret)
        page.keyboard.press("Enter")
        page.get_by_text("No jobs yet.").wait_for()
        playwright.expect(page.get_by_role("alert")).to_be_hidden()
        web_port, line = int(server.web_address.rpartition(":")[2]), page.locator("#line")
        playwright.expect(line).to_have_text("live")
    playwright.expect(line).to_have_text("no connection")
    page.get_by_role("alert").get_by_text("the coordinator cannot be reached").wait_for()
    with embedded(Settings(tmp_path, data_root, 1), Listen(LOOPBACK, 0, 0, None, web_port)):
        playwright.expect(line).to_have_text("live")  # by itself, with the same token
        playwright.expect(page.get_by_role("alert")).to_be_hidden()
        page.get_by_text("No jobs yet.").wait_for()
        page.close()


def test_a_job_that_is_not_there_is_said_to_be_so(site, page):
    page.goto(f"{site[0].web_address}/#/jobs/nowhere")
    page.get_by_role("alert").get_by_text('there is no job "nowhere"').wait_for()
    assert not page.locator(".tabs").is_visible()


@pytest.mark.slow
def test_a_job_that_fails_says_why_in_the_list_and_on_its_page(site, page, small):
    layers = ["flatten", {"linear": {"units": 8}}, "relu", {"linear": {"units": 10}}]
    job = site[1].submit(small(name="fails", model={"input": [8, 8, 1], "layers": layers}, optimizer={"sgd": {"learning_rate": 1e30}}, ranks=1)).id
    page.goto(site[0].web_address)
    page.locator(".jobs tr", has_text=job).locator(".state.failed").wait_for()
    playwright.expect(page.locator(".jobs tr", has_text=job).locator(".why")).to_contain_text("the loss is")
    page.locator(".jobs tr", has_text=job).locator(".name").click()
    page.get_by_role("alert").get_by_text("the loss is").wait_for()
    page.get_by_role("alert").get_by_text("Next:").wait_for()
    page.get_by_role("button", name="Try again").wait_for()


@pytest.mark.parametrize("page", [(1360, 900, "dark"), (820, 1180, "light"), (390, 844, "light")], ids=["desk", "tablet", "phone"], indirect=True)
def test_no_page_is_wider_than_the_window(site, page, running, small):
    server, client, _ = site
    client.cancel(client.submit(small(name="a" * 64)).id)
    page.goto(server.web_address)
    page.locator(".jobs tbody tr").first.wait_for()
    assert overflow(page) <= 0
    for tab in ("curves", "ranks", "history", "logs", "predict", "file", "files"):
        page.goto(f"{server.web_address}/#/jobs/{running}/{tab}")
        page.locator(f".tabs a[aria-current='page'][href$='{tab}']").wait_for()
        page.locator(".panel:visible").first.wait_for()
        assert overflow(page) <= 0, tab


@pytest.mark.slow
def test_where_the_time_of_steps_goes_is_drawn_for_each_rank(site, page, running):
    page.goto(f"{site[0].web_address}/#/jobs/{running}/ranks")
    page.locator(".pace li").nth(1).wait_for()
    assert [text.split("\n")[0] for text in page.locator(".pace li").all_inner_texts()] == ["rank 0", "rank 1"]
    assert page.locator(".pace h3").inner_text().startswith("A step takes ")


@pytest.mark.slow
def test_zooming_shows_every_point_of_a_part_and_goes_back(site, page):
    server, client, job_id = site
    page.goto(f"{server.web_address}/#/jobs/{job_id}")
    page.locator(".u-over").first.wait_for()
    box = page.locator(".u-over").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=5)
    page.mouse.up()
    page.locator(".chart header button").first.wait_for()
    total = sum(curve.total_points for curve in client.curves([job_id], ["loss", "eval_loss"]))
    page.wait_for_function("total => parseInt(document.querySelector('.chart header span').textContent) < total", arg=total)
    page.locator(".chart header button").first.click()
    page.wait_for_function("total => parseInt(document.querySelector('.chart header span').textContent) === total", arg=total)


def test_runs_are_laid_over_each_other_by_a_link(site, page, running):
    server, _, job_id = site
    page.goto(f"{server.web_address}/#/jobs/{job_id}/curves?with={running}")
    page.locator(".chip").nth(1).wait_for()
    assert [text.strip("×\n ") for text in page.locator(".chip").all_inner_texts()] == ["small", "long"]
    playwright.expect(page.locator(".keys").first).to_contain_text("long", timeout=DEADLINE_MS)


def test_runs_stand_side_by_side_with_what_differs_in_their_job_files_as_in_the_terminal(site, page, running):
    server, client, job_id = site
    page.goto(f"{server.web_address}/#/jobs/{job_id}/curves?with={running}")
    page.locator(".beside").wait_for()
    differ = [tuple(row.split("\t")) for row in page.locator(".beside tbody").nth(1).inner_text().splitlines()]
    specs = client.get(job_id).spec, client.get(running).spec
    assert differ == [row for row in differing(*specs) if row[0] != "name"] and ("epochs", "2", str(specs[1].epochs)) in differ
    steps = page.locator(".beside tr", has_text="steps").locator("td")
    playwright.expect(steps.first).to_have_text("16 of 16")
    before = steps.nth(1).inner_text()
    playwright.expect(steps.nth(1)).not_to_have_text(before, timeout=DEADLINE_MS)


def test_the_log_is_shown_by_rank_and_by_text(site, page):
    server, client, job_id = site
    page.goto(f"{server.web_address}/#/jobs/{job_id}/logs")
    page.locator(".lines div", has_text="completed at step 16").wait_for()
    page.get_by_placeholder("with this text").fill("no such line")
    page.get_by_text("no lines").wait_for()
    page.get_by_placeholder("with this text").fill("completed")
    page.locator(".lines div", has_text="completed at step 16").wait_for()
    assert page.locator(".lines div").count() == 1


def test_the_job_file_and_the_files_are_there(site, page):
    server, _, job_id = site
    page.goto(f"{server.web_address}/#/jobs/{job_id}/file")
    page.locator("pre.file", has_text="softmax_cross_entropy").wait_for()
    page.goto(f"{server.web_address}/#/jobs/{job_id}/files")
    with page.expect_download() as saved:
        page.locator("tr", has_text="manifest.json").first.get_by_role("button").click()
    assert saved.value.suggested_filename == "manifest.json" and os.path.getsize(saved.value.path()) > 100


@pytest.mark.slow
def test_samples_are_predicted_on_the_page_as_the_client_does(site, page, data_root):
    server, client, job_id = site
    wanted = [row for some in client.predict(job_id, "test.npz") for row in some.answers]
    answers, row = page.locator(".answers tbody tr"), lambda place: [str(place), *wanted[place]]
    page.goto(f"{server.web_address}/#/jobs/{job_id}/predict")
    page.get_by_label("Files to predict").set_input_files(data_root / "test.npz")
    playwright.expect(answers).to_have_count(len(wanted))
    assert answers.nth(100).locator("td").all_inner_texts() == row(100)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    with open(saved.value.path(), newline="") as file:
        assert list(csv.reader(file)) == [["sample", "class", "probability"], *map(row, range(len(wanted)))]

    way, go = page.get_by_label("What to predict"), page.get_by_role("button", name="Predict", exact=True)
    way.select_option("typed")
    with np.load(data_root / "test.npz") as archive:
        page.get_by_label("Values to predict").fill(f"{archive['x'][:2].tolist()}")
    go.click()
    playwright.expect(page.locator(".cards > li")).to_have_count(2)  # few: with the likeliest classes
    likely = page.locator(".cards > li").nth(1).locator("ul li")
    playwright.expect(likely).to_have_count(5)
    assert likely.first.locator("span").inner_text() == wanted[1][0] and not page.locator(".answers").is_visible()
    page.get_by_label("Values to predict").fill("1 2 3")
    go.click()
    page.get_by_text("expected 64 numbers for each sample, shape (8, 8, 1), got 3").wait_for()
    way.select_option("path")
    page.get_by_label("Path below the data root").fill("nowhere.npz")
    go.click()
    page.get_by_role("alert").get_by_text("nowhere.npz").wait_for()
    way.select_option("eval")
    go.click()
    page.get_by_text(f"{len(wanted)} samples by the checkpoint of step 16").wait_for()


@pytest.mark.slow
def test_pictures_are_predicted_together_each_beside_what_it_is(site, page, data_root, small, tmp_path):
    picture = pytest.importorskip("PIL.Image", reason="needs pip install 'bptrain[images]'")
    for name, level in (("dark", 20), ("bright", 230)):
        (data_root / "pictures" / name).mkdir(parents=True)
        for place in range(8):
            picture.new("L", (8, 8), level + place).save(data_root / "pictures" / name / f"{place}.png")
        picture.new("L", (8, 8), level).save(tmp_path / f"some {name} one.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    model = {"input": [8, 8, 1], "layers": ["flatten", {"linear": {"units": 2}}]}
    job = site[1].submit(small(name="pictures", data={"train": {"images": {"path": "pictures", "color": "gray"}}}, model=model, batch_size=8, epochs=20, ranks=1)).id
    list(site[1].messages(job))
    page.goto(f"{site[0].web_address}/#/jobs/{job}/predict")
    page.get_by_label("Files to predict").set_input_files(sorted(tmp_path.iterdir()))
    page.get_by_text("2 samples by the checkpoint of step 40").wait_for()
    assert "broken.png" in page.get_by_role("alert").inner_text()
    cards = page.locator(".cards > li")
    told = [(card.locator("h3").inner_text(), card.locator("ul span").all_inner_texts(), card.locator("img").evaluate("image => image.naturalWidth")) for card in cards.all()]
    assert told == [("some bright one.png", ["bright", "dark"], 8), ("some dark one.png", ["dark", "bright"], 8)]
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    with open(saved.value.path(), newline="") as file:
        assert [row[:3] for row in csv.reader(file)] == [["file", "sample", "class"], ["some bright one.png", "0", "bright"], ["some dark one.png", "0", "dark"]]


@pytest.mark.slow
def test_text_is_written_on_the_page_as_the_client_does(site, page, letters):
    client = site[1]
    job = client.submit(letters).id
    list(client.messages(job))
    page.goto(f"{site[0].web_address}/#/jobs/{job}/predict")
    page.get_by_label("How the text begins").fill("ab")
    page.get_by_label("length").fill("30")
    page.get_by_label("temperature").fill("0.5")
    page.get_by_role("button", name="Write").click()
    page.get_by_text("30 characters by the checkpoint of step").wait_for()
    assert page.locator(".written").inner_text() == "ab" + "".join(client.generate(job, "ab", 30, 0.5))
    page.get_by_label("length").fill("10000")
    page.get_by_role("button", name="Write").click()
    page.get_by_text(re.compile("characters so far")).wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped after").wait_for()
    assert 0 < len(page.locator(".written").inner_text()) < 10_000
    page.get_by_label("How the text begins").fill("xyz")
    page.get_by_role("button", name="Write").click()
    page.get_by_role("alert").get_by_text("expected text of units that are in the training data").wait_for()


@pytest.mark.slow
def test_a_job_is_paused_resumed_and_cancelled_from_the_page(site, page, endless):
    server, client, _ = site
    for other in client.list():
        if other.spec.name == "long":
            client.cancel(other.id)
    job = client.submit(endless(**LONG | {"name": "to-cancel"}))
    page.goto(f"{server.web_address}/#/jobs/{job.id}")
    page.locator(".head .state.running").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.locator(".head .state.paused").wait_for()
    page.get_by_role("button", name="Resume").click()
    page.locator(".head .state.running").wait_for()
    page.get_by_role("link", name="Logs").click()
    page.get_by_title("Of which start of the ranks").select_option("attempt 1")
    page.locator(".lines div", has_text="paused").wait_for()
    page.get_by_title("Of which start of the ranks").select_option("attempt 2")
    playwright.expect(page.locator(".lines div", has_text="paused")).to_have_count(0)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="No").click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Yes").click()
    page.locator(".head .state.cancelled").wait_for()
    assert client.get(job.id).cause
