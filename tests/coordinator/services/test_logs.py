"""LogService over the wire: pages forwards and backwards, filters, and lines as they come."""

import re
from pathlib import Path

import grpc
import pytest

from bptrain.v1.log_service_pb2 import LOG_LEVEL_ERROR, LOG_LEVEL_INFO, LogFilter, ReadLogsRequest, WatchLogsRequest
from bptrain.v1.log_service_pb2_grpc import LogServiceStub
from coordinator.answers import raised
from coordinator.views.logfile import WINDOW_BYTES

LINES = [f"[1,{i % 3}]<{'stderr' if i % 10 == 9 else 'stdout'}>: line {i} größer ⣿" for i in range(3000)]


@pytest.fixture(scope="module")
def stub(shared):
    server, _, _ = shared
    with grpc.insecure_channel(server.address) as channel:
        yield LogServiceStub(channel)


@pytest.fixture
def log(shared):
    """The log's file; what a test makes of it is taken back again."""
    _, client, job_id = shared
    path = Path(client.get(job_id).run_dir, "log")
    before = path.read_bytes()
    path.write_text("".join(f"{line}\n" for line in LINES))
    yield path
    path.write_bytes(before)


@pytest.fixture
def read(stub, shared):
    return lambda **request: stub.ReadLogs(ReadLogsRequest(job_id=shared[2], **request), timeout=60)


@pytest.fixture
def watch(stub, shared):
    return lambda **request: list(stub.WatchLogs(WatchLogsRequest(job_id=shared[2], **request), timeout=60))


def pages(read, **request):
    """All pages in one direction."""
    found = [read(**request)]
    while found[-1].more:
        found.append(read(**request | {"offset_bytes": found[-1].offset_bytes}))
    return found


def texts(lines):
    return [int(line.text.split()[1]) for line in lines]


@pytest.mark.parametrize("size", [1, 7, 1000, 0])
def test_pages_forwards_have_every_line_once(read, log, size):
    log.write_text("".join(f"{line}\n" for line in LINES[:50]))
    assert [number for page in pages(read, page_size=size) for number in texts(page.lines)] == list(range(50))


@pytest.mark.parametrize("size", [7, 1000, 0])
def test_pages_backwards_have_every_line_once(read, log, size):
    found = [texts(page.lines) for page in pages(read, page_size=size, before=True)]
    assert [number for page in reversed(found) for number in page] == list(range(3000))


def test_a_log_of_many_windows_is_read_to_its_end(read, watch, log):
    log.write_text("".join(f"[1,0]<stdout>: line {i} {'x' * 1000}\n" for i in range(4 * WINDOW_BYTES // 1000)))
    numbers = list(range(4 * WINDOW_BYTES // 1000))
    assert [number for page in pages(read) for number in texts(page.lines)] == numbers
    assert [number for page in reversed(pages(read, before=True)) for number in texts(page.lines)] == numbers
    assert [number for message in watch() for number in texts(message.lines)] == numbers


def test_lines_say_who_printed_them_and_how_loud(read, log):
    log.write_text("[1,2]<stderr>: oh\n[1,0]<stdout>: ah\nprterun: eh\n")
    assert [(line.text, line.rank if line.HasField("rank") else None, line.level) for line in read().lines] == [
        ("oh", 2, LOG_LEVEL_ERROR), ("ah", 0, LOG_LEVEL_INFO), ("prterun: eh", None, LOG_LEVEL_ERROR)]


@pytest.fixture
def attempts(log):
    """The log, and the file that says which attempt printed from where on: the lines 0 to 999, 1000 to 1999, and the rest."""
    path = log.with_name("attempts")
    before = path.read_text()
    size = [sum(len(line.encode()) + 1 for line in LINES[:count]) for count in (1000, 2000)]
    path.write_text(f"1 0\n2 {size[0]}\n2 {size[0] + 5}\n3 {size[1]}\n")
    yield path
    path.write_text(before)


@pytest.mark.parametrize(("attempt", "numbers"), [(1, range(1000)), (2, range(1000, 2000)), (3, range(2000, 3000)), (4, range(0))])
def test_the_lines_of_one_attempt(read, watch, log, attempts, attempt, numbers):
    chosen, number = LogFilter(attempt=attempt), list(numbers)
    found = [line for page in pages(read, filter=chosen, page_size=300) for line in page.lines]
    assert texts(found) == number and {line.attempt for line in found} == ({attempt} if number else set())
    assert [number for page in reversed(pages(read, filter=chosen, before=True, page_size=300)) for number in texts(page.lines)] == number
    *pieces, last = watch(filter=chosen)
    assert [number for message in pieces for number in texts(message.lines)] == number and last.ended


def test_every_line_says_which_attempt_printed_it(read, log, attempts):
    assert [line.attempt for page in pages(read) for line in page.lines] == [1] * 1000 + [2] * 1000 + [3] * 1000


def test_the_coordinator_writes_down_where_an_attempt_begins(shared):
    _, client, job_id = shared
    assert Path(client.get(job_id).run_dir, "attempts").read_text() == "1 0\n"


@pytest.mark.parametrize(("expression", "problem"), [
    ("(", "a regular expression of RE2 \\(missing \\): \\(\\)"), (r"(.)\1", "a regular expression of RE2 \\(invalid escape sequence: "),
    ("(?=a)", "a regular expression of RE2 \\(invalid perl operator: "), ("(a{1000}){1000}", "a regular expression of RE2 \\(invalid repetition size: "),
    ("(a?){300}a{300}", "a smaller regular expression, of at most 1000 characters and 500 instructions"),
    ("a" * 1001, "a smaller regular expression, of at most 1000 characters and 500 instructions")])
def test_an_expression_that_is_none_or_too_large_is_refused(read, watch, expression, problem):
    for call in (read, watch):
        with pytest.raises(grpc.RpcError) as caught:
            call(filter=LogFilter(match=expression))
        assert re.match(f"filter.match: expected {problem}", str(raised(caught.value, "")))


@pytest.mark.parametrize("expression", ["(a+)+$", "(a|aa)+$", "(x+x+)+y", "^([a-z]+)*$", "(.*a){12}b"])
def test_an_expression_that_would_be_exponential_elsewhere_is_answered(read, log, expression):
    """Python's own `re` is at the first of them, on thirty letters, for an hour."""
    log.write_text(f"[1,0]<stdout>: {'a' * 5000}!\n" * 20)
    assert [page.lines for page in pages(read, filter=LogFilter(match=expression))] == [[]]


@pytest.mark.parametrize(("chosen", "passes"), [
    (LogFilter(match=r"^line \d*7 größer"), lambda i: i % 10 == 7), (LogFilter(match="line (1|2)00? "), lambda i: i in (10, 20, 100, 200)),
    (LogFilter(match="LINE"), lambda i: False), (LogFilter(match="(?i)LINE 5"), lambda i: str(i).startswith("5")),
    (LogFilter(match="0 ", contains="line 1", ranks=[0]), lambda i: i % 10 == 0 and str(i).startswith("1") and i % 3 == 0),
    (LogFilter(ranks=[1]), lambda i: i % 3 == 1), (LogFilter(ranks=[0, 2]), lambda i: i % 3 != 1),
    (LogFilter(level=LOG_LEVEL_ERROR), lambda i: i % 10 == 9), (LogFilter(contains="line 77"), lambda i: str(i).startswith("77")),
    (LogFilter(ranks=[0], level=LOG_LEVEL_ERROR, contains="größer"), lambda i: i % 3 == 0 and i % 10 == 9),
    (LogFilter(contains="nowhere"), lambda i: False)], ids=["expression", "alternatives", "case", "without case", "expression and more", "rank", "ranks", "level", "substring", "all three", "none"])
def test_only_lines_that_pass_every_filter_come(read, watch, log, chosen, passes):
    expected = [i for i in range(3000) if passes(i)]
    assert [number for page in pages(read, filter=chosen) for number in texts(page.lines)] == expected
    assert [number for page in reversed(pages(read, filter=chosen, before=True)) for number in texts(page.lines)] == expected
    assert [number for message in watch(filter=chosen) for number in texts(message.lines)] == expected


def test_watching_ends_with_the_word_that_it_has_ended(watch, log):
    *pieces, last = watch()
    assert last.ended and not last.lines and last.offset_bytes == log.stat().st_size
    assert not any(piece.ended for piece in pieces)


def test_watching_goes_on_from_every_message(watch, log):
    whole = watch()
    for i, message in enumerate(whole[:-1]):
        assert [later.lines for later in watch(offset_bytes=message.offset_bytes)] == [later.lines for later in whole[i + 1:]]


def test_watching_goes_on_where_a_page_ended(read, watch, log):
    page = read(before=True, page_size=10)
    assert texts(page.lines) == list(range(2990, 3000))
    assert page.end_bytes == log.stat().st_size and [len(message.lines) for message in watch(offset_bytes=page.end_bytes)] == [0]


def test_the_last_line_of_an_ended_job_needs_no_end(read, watch, log):
    log.write_text("[1,0]<stdout>: line 1\n[1,0]<stdout>: line 2")
    assert texts(read().lines) == [1, 2] and texts(watch()[0].lines) == [1, 2]


def test_a_line_longer_than_an_answer_is_cut_and_not_lost(watch, log):
    log.write_text("x" * (2 * WINDOW_BYTES + 5))
    assert "".join(line.text for message in watch() for line in message.lines) == log.read_text()


def test_bytes_that_are_no_text_are_replaced(read, log):
    log.write_bytes(b"[0] before \xff after\n")
    assert [line.text for line in read().lines] == ["before \N{REPLACEMENT CHARACTER} after"]


def test_behind_the_end_and_without_a_log_there_is_nothing(read, watch, log):
    assert not read(offset_bytes=log.stat().st_size + 100).lines and not read(offset_bytes=1 << 63).more
    assert texts(read(offset_bytes=1 << 63, before=True, page_size=1).lines) == [2999]
    log.unlink()
    assert not read().lines and not read(before=True).lines and watch()[0].ended
