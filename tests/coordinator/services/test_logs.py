"""LogService over the wire: a log in pieces, from any offset."""

from pathlib import Path

import grpc
import pytest

from bptrain.v1.log_service_pb2 import ReadLogsRequest
from bptrain.v1.log_service_pb2_grpc import LogServiceStub
from coordinator.app import LOG_CHUNK_BYTES


@pytest.fixture(scope="module")
def read(shared):
    """`read(offset)`: the messages from that offset on."""
    server, _, job_id = shared
    with grpc.insecure_channel(server.address) as channel:
        yield lambda offset=0, follow=False: list(LogServiceStub(channel).ReadLogs(
            ReadLogsRequest(job_id=job_id, offset_bytes=offset, follow=follow), timeout=60))


@pytest.fixture
def log(shared):
    """The log's file; what a test adds is taken away again."""
    _, client, job_id = shared
    path = Path(client.get(job_id).run_dir, "log")
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


def text(messages):
    return "".join(message.text for message in messages)


@pytest.mark.parametrize("follow", [False, True])
def test_the_last_message_says_that_it_is_the_last(read, log, follow):
    *pieces, last = read(follow=follow)
    assert text(pieces) == log.read_text()
    assert (last.ended, last.text, last.offset_bytes) == (True, "", log.stat().st_size)
    assert not any(piece.ended for piece in pieces)


def test_reading_goes_on_from_any_offset(read, log):
    content = log.read_bytes()
    for offset in range(0, len(content) + 1, 17):
        assert text(read(offset)) == content[offset:].decode()


def test_behind_the_end_there_is_nothing(read, log):
    last, = read(log.stat().st_size + 100)
    assert last.ended and last.text == ""


def test_a_long_log_comes_in_pieces_that_do_not_cut_a_letter(read, log):
    line = "größer als ein Byte ⣿\n"
    log.write_text(line * (3 * LOG_CHUNK_BYTES // len(line.encode())))
    messages = read()
    assert text(messages) == log.read_text()
    assert len(messages) > 3 and all(piece.text.endswith("\n") for piece in messages[:-1])


def test_bytes_that_are_no_text_are_replaced(read, log):
    log.write_bytes(b"before \xff after\n")
    assert text(read()) == "before \N{REPLACEMENT CHARACTER} after\n"


def test_a_line_longer_than_a_piece_is_not_lost(read, log):
    log.write_text("x" * (2 * LOG_CHUNK_BYTES + 5))
    assert text(read()) == log.read_text()


def test_a_log_that_is_gone_is_an_empty_log(read, log):
    log.unlink()
    last, = read()
    assert last.ended
