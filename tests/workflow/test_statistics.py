"""Statistics equal what a brute-force count of the same histories says; public ones hide small counts for good."""

import csv
import io
import json
import math
import shutil
import subprocess
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tenprint.client.statistics import as_csv, as_json
from tenprint.client.statistics_page import page
from tenprint.store import Database
from tenprint.workflow import policy
from tenprint.workflow.services import statistics_codec
from tenprint.workflow.statistics import report
from tenprint.workflow.statistics.counts import Period
from tenprint.workflow.statistics.measures import MEASURES, PUBLIC, TIMES, Dimension
from tenprint.workflow.statistics.quantiles import quantile
from tenprint.workflow.types import Gallery
from tests.workflow import histories
from tests.workflow.histories import COURSES, START, STATIONS, Booking

MIGRATIONS = "tenprint.workflow:migrations"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
ALL = Period()
FOUR = [Dimension.TOTAL, Dimension.JURISDICTION, Dimension.AGENCY, Dimension.LEVEL]
FEW = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
EACH = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('statistics')}/workflow.db", migrations=MIGRATIONS)
    yield database
    database.close()


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Reports of more bookings than a policy's least count, in full and for the public, as messages."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('many')}/workflow.db", migrations=MIGRATIONS)
    tell(database, every_course * 4, 3)
    reports = [statistics_codec.report(told, "the <Ombudsman> & co") for told in (full(database), public(database))]
    database.close()
    return reports


@pytest.fixture(scope="module")
def whole_page(many):
    return page(many[0])


def tell(database, told, least_count=10):
    def work(connection):
        histories.clear(connection)
        histories.put_agencies(connection, least_count)
        for booking in told:
            histories.happen(connection, booking)

    database.write(work)


def full(database, by=tuple(Dimension), period=ALL):
    with database.read() as connection:
        return report.full(connection, period, by, NOW)


def public(database, by=PUBLIC, period=ALL):
    with database.read() as connection:
        return report.public(connection, period, by, policy.current(connection)[1], NOW)


def values_of(booking):
    level = str(booking.level) if booking.level else "unknown"
    year, week, _ = booking.received.isocalendar()
    return {
        Dimension.TOTAL: "",
        Dimension.JURISDICTION: STATIONS[booking.station],
        Dimension.AGENCY: f"{STATIONS[booking.station]}/{booking.station}",
        Dimension.LEVEL: level,
        Dimension.DAY: booking.received.strftime("%Y-%m-%d"),
        Dimension.WEEK: f"{year}-W{week:02}",
        Dimension.MONTH: booking.received.strftime("%Y-%m"),
    }


def by_group(told):
    found = defaultdict(list)
    for booking in told:
        for dimension, value in values_of(booking).items():
            found[dimension, value].append(booking)
    return found


every_course = [Booking("ZZALPHA01", 0, 3, True, {Gallery.CRIMINAL: c, Gallery.IMMIGRATION: c}) for c in COURSES]


@EACH
@given(st.lists(histories.bookings(), max_size=12))
@example(every_course)
def test_report_equals_a_count_by_hand(file, told):
    tell(file, told)
    rows = full(file).rows
    groups = by_group(told)
    for row in rows:
        mine = groups[row.group.dimension, row.group.value]
        shown = {item.measure.name: item.count for item in row.counts}
        if row.group.gallery is None:
            assert shown == {"submissions": len(mine), "erased": sum(b.erased for b in mine)}
            continue
        assert shown == histories.counted(mine, row.group.gallery)
        response = next(item for item in row.seconds if item.measure.name == "response")
        seconds = sorted(histories.timed(mine, row.group.gallery))
        for p, value in zip((0.5, 0.9, 0.99), response.values, strict=True):
            assert value == (seconds[math.ceil(p * len(seconds)) - 1] if seconds else None)
    # Nothing is left out: each dimension's rows hold every submission.
    for dimension in Dimension:
        of_submissions = [r for r in rows if r.group.dimension is dimension and r.group.gallery is None]
        assert sum(row.shown("submissions").count for row in of_submissions) == len(told)


@EACH
@given(st.lists(histories.bookings(), max_size=10), st.integers(0, 70), st.integers(0, 70))
def test_a_period_holds_what_was_received_in_it(file, told, first, last):
    tell(file, told)
    period = Period(START + timedelta(days=first), START + timedelta(days=last))
    row = full(file, [Dimension.TOTAL], period).rows[0]
    assert row.shown("submissions").count == sum(first <= b.days < last for b in told)


def test_report_on_either_database(url):
    database = Database(url, migrations=MIGRATIONS)
    try:
        tell(database, every_course)
        (row,) = [r for r in full(database, [Dimension.TOTAL]).rows if r.group.gallery is Gallery.IMMIGRATION]
        assert {s.measure.name: s.count for s in row.counts} == histories.counted(every_course, Gallery.IMMIGRATION)
    finally:
        database.close()


def test_nothing_counted_is_a_report_of_zeros(file):
    tell(file, [])
    told = full(file)
    assert [row.group.gallery for row in told.rows] == [None, *Gallery]
    assert {item.count for row in told.rows for item in row.counts} == {0}
    written = statistics_codec.report(told, "somebody")
    assert not any(count.HasField("rate") for row in written.rows for count in row.counts)
    assert not any(bar.HasField("observed_fpir") for bar in written.bars)
    assert "<svg" not in page(written)


@FEW
@given(st.lists(histories.bookings(), max_size=16), st.integers(2, 12))
def test_public_report_shows_no_small_count_and_nothing_false(file, told, least):
    tell(file, told, least)
    true = {row.group: {item.measure.name: item.count for item in row.counts} for row in full(file).rows}
    shown = public(file)
    assert shown.bands == () == shown.bars
    for row in shown.rows:
        for item in row.counts:
            truth = true[row.group][item.measure.name]
            assert item.count in (None, truth)
            assert not 0 < truth < least or item.count is None
            assert truth != 0 or item.count == 0
    # Rows against the total: where the total is shown, never one row alone is hidden, nor rows that are few together.
    for gallery in (None, *Gallery):
        (total,) = [r for r in shown.rows if r.group.dimension is Dimension.TOTAL and r.group.gallery is gallery]
        for dimension in PUBLIC[1:]:
            rows = [r for r in shown.rows if r.group.dimension is dimension and r.group.gallery is gallery]
            for item in total.counts:
                name = item.measure.name
                hidden = [true[r.group][name] for r in rows if r.shown(name).count is None]
                if item.count is not None and hidden:
                    assert len(hidden) > 1
                    assert sum(hidden) >= least


@FEW
@given(st.lists(histories.bookings(), max_size=10), st.permutations(FOUR), st.integers(1, 4))
def test_what_is_hidden_does_not_hang_on_what_is_asked_for(file, told, order, many):
    tell(file, told, 5)
    everything = {row.group: row for row in public(file).rows}
    for row in public(file, order[:many]).rows:
        assert row == everything[row.group]


def test_public_quantiles_are_of_many(file):
    one = Booking("ZZALPHA01", 1, 0, True, {Gallery.CRIMINAL: "no_match"}, 7)
    tell(file, [one] * 19, 10)
    row = next(r for r in public(file, [Dimension.TOTAL]).rows if r.group.gallery is Gallery.CRIMINAL)
    assert {value for item in row.seconds for value in item.values} == {None}
    tell(file, [one] * 100, 10)
    row = next(r for r in public(file, [Dimension.TOTAL]).rows if r.group.gallery is Gallery.CRIMINAL)
    assert next(item.values for item in row.seconds if item.measure.name == "response") == (7.0, 7.0, None)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99]))
def test_quantile_is_the_smallest_value_that_enough_do_not_exceed(values, p):
    found = quantile(sorted(values), p)
    enough = p * len(values) - 1e-6
    assert found in values
    assert sum(v <= found for v in values) >= enough
    assert sum(v < found for v in values) < p * len(values) + 1e-6


def test_calibration_sets_findings_beside_promises(file):
    def booking(days, course):  # the expected FPIR of its candidate is 10 ** -(1 + days % 6)
        return Booking("ZZALPHA01", 0, days, True, {Gallery.CRIMINAL: course})

    told = [booking(2, "excluded"), booking(2, "identified"), booking(3, "excluded"), booking(5, "undecided")]
    told += [booking(0, "no_match")] * 96 + [booking(0, "error"), booking(1, "open")]
    tell(file, told)
    bars = {bar.expected_fpir: bar for bar in full(file).bars if bar.gallery is Gallery.CRIMINAL}
    # 2: 1e-3; 3: 1e-4; 5: 1e-6. 101 were searched, one of them identified.
    assert {fpir: (bar.confirmed, bar.refuted, bar.inconclusive, bar.searches) for fpir, bar in bars.items()} == {
        1e-6: (0, 0, 1, 100),
        1e-5: (0, 0, 1, 100),
        1e-4: (0, 1, 1, 100),
        1e-3: (1, 2, 1, 100),
        1e-2: (1, 2, 1, 100),
        1e-1: (1, 2, 1, 100),
    }
    assert bars[1e-3].observed == 0.02
    assert (bars[1e-3].low, bars[1e-3].high) == (pytest.approx(0.00243, abs=1e-5), pytest.approx(0.07038, abs=1e-5))
    assert (bars[1e-6].low, bars[1e-6].high) == (0.0, pytest.approx(0.03622, abs=1e-5))
    (band,) = full(file).bands
    assert (band.confirmed, band.refuted, band.inconclusive) == (1, 2, 1)


def test_every_rate_has_its_numerator_denominator_and_definition(many):
    for written in many:
        definitions = {item.measure for item in written.definitions if item.definition}
        for row in written.rows:
            for count in row.counts:
                assert count.measure in definitions
                can = count.HasField("count") and count.HasField("of_count") and count.of_count > 0
                assert count.HasField("rate") == can
                if can:
                    assert count.of
                    assert count.rate == count.count / count.of_count
    lines = list(csv.DictReader(io.StringIO(as_csv(written))))
    assert all(line["of"] and line["of_count"] and line["definition"] for line in lines if line["rate"])
    assert json.loads(as_json(written))["rows"]


def test_definitions_are_published_as_they_are(pytestconfig):
    words = " ".join((pytestconfig.rootpath / "docs" / "statistics.md").read_text().split())
    for measure in (*MEASURES.values(), *TIMES.values()):
        row = f"| `{measure.name}` | {f'`{measure.of}`' if measure.of else 'nothing'} | {measure.definition} |"
        assert row in words


class Balance(HTMLParser):
    """Fails on a tag that is not closed, or closed twice; keeps every address."""

    def __init__(self):
        super().__init__()
        self.open, self.links, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in {"src", "href", "action"}]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_is_well_formed_and_needs_no_network(whole_page):
    read = Balance()
    read.feed(whole_page)
    assert read.open == []
    assert read.links == []
    assert not {"script", "link", "img", "iframe", "object"} & set(read.tags)
    assert read.tags.count("svg") >= 10
    assert read.tags.count("figure") == read.tags.count("svg") == whole_page.count("<desc>")
    assert read.tags.count("table") == read.tags.count("caption") > read.tags.count("svg") / 2
    assert "the &lt;Ombudsman&gt; &amp; co" in whole_page


def test_page_opens_in_a_browser_from_a_file(whole_page, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium installed (Debian: apt-get install chromium)")
    (tmp_path / "page.html").write_text(whole_page, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    place = f"file://{tmp_path}/page.html"
    command = [browser, *flags, "--dump-dom", place]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert shown.count("<svg") == whole_page.count("<svg")
    assert "In all" in shown
    assert "dispute upheld" in shown


def test_public_page_says_what_it_hides(many):
    text = page(many[1])
    assert "Counts from 1 to 2 are shown as &lt;3" in text
    assert "What the score promised" not in text
