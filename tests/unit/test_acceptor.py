"""The way into the journal: durable before anybody hears of it, nothing lost while the journal cannot."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from caretaker import wire
from caretaker.adapters.memory.clock import HandClock
from caretaker.adapters.memory.journal import MemoryJournal
from caretaker.domain.errors import JournalFull, JournalUnavailable, RecordTooLarge
from caretaker.domain.readings import ReadingBatch
from caretaker.domain.retry import gap_s
from caretaker.ports import Position, Quarantined
from caretaker.services.gate import Gate
from caretaker.services.readings import EXCERPTS, RECORD, Acceptor, Outcome, Submission
from tests.small_estate import estate_of

NOW = 1_795_403_777_000_000_000
TEMP = 1


class Moody(MemoryJournal):
    """A journal that can be told to refuse."""

    trouble: Exception | None = None
    largest = 1 << 30

    def append(self, key: str, batch_id: str, payload: bytes, accepted_ns: int) -> Position:
        if self.trouble is not None:
            raise self.trouble
        if len(payload) > self.largest:
            raise RecordTooLarge(f"{len(payload)} bytes")
        return super().append(key, batch_id, payload, accepted_ns)


@pytest.fixture
def journal() -> Moody:
    return Moody()


def acceptor_of(journal: Moody) -> Acceptor:
    estate = estate_of({"d1": ["a1"]})
    return Acceptor(journal, Gate(estate.points.values(), 10**18), HandClock(NOW), "test")


@pytest.fixture
def acceptor(journal: Moody) -> Iterator[Acceptor]:
    made = acceptor_of(journal)
    made.start()
    yield made
    made.stop()


def numbers(start: int, count: int) -> ReadingBatch:
    at = [NOW + start + i for i in range(count)]
    return ReadingBatch.of([TEMP] * count, at, [20.0] * count, [0] * count)


def kept(journal: Moody) -> int:
    return sum(len(wire.decode_batch(record.payload)) for record in journal.read(0, 0, 10_000))


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end, "waited 5 s"
        time.sleep(0.005)


def test_a_large_batch_becomes_several_records_and_every_reading_is_kept_once(journal: Moody) -> None:
    acceptor = acceptor_of(journal)

    outcome = acceptor.accept_now(Submission("test", numbers(0, 2 * RECORD + 1)))

    assert outcome == Outcome(2 * RECORD + 1, 0, [])
    assert journal.last(0) == 3
    assert kept(journal) == 2 * RECORD + 1


def test_a_record_too_large_for_the_journal_is_halved(journal: Moody) -> None:
    journal.largest = 100 * 21

    acceptor_of(journal).accept_now(Submission("test", numbers(0, 1000)))

    assert kept(journal) == 1000


def test_done_comes_after_the_append_in_the_order_of_submission(journal: Moody, acceptor: Acceptor) -> None:
    seen: list[tuple[int, int]] = []

    def noting(number: int) -> Callable[[Outcome], None]:
        return lambda _: seen.append((number, kept(journal)))

    for number in range(20):
        acceptor.submit(Submission("test", numbers(number * 10, 10)), noting(number))
    until(lambda: len(seen) == 20)

    assert seen == [(number, (number + 1) * 10) for number in range(20)]


@pytest.mark.parametrize("trouble", [JournalFull("the disk is 96 % full"), JournalUnavailable("I/O error")])
def test_while_the_journal_refuses_nothing_is_done_and_afterwards_nothing_is_missing(
    journal: Moody, acceptor: Acceptor, trouble: Exception
) -> None:
    done: list[int] = []

    def noting(number: int) -> Callable[[Outcome], None]:
        return lambda _: done.append(number)

    journal.trouble = trouble
    for number in range(3):
        acceptor.submit(Submission("test", numbers(number * 10, 10)), noting(number))
    until(lambda: acceptor.status().counters["retries"] > 1)
    before = (list(done), acceptor.status().trouble)

    journal.trouble = None
    until(lambda: len(done) == 3)

    assert before == ([], str(trouble))
    assert done == [0, 1, 2]
    assert kept(journal) == 30
    assert acceptor.status().trouble is None


def test_accept_now_raises_and_the_same_submission_may_be_tried_again(journal: Moody) -> None:
    acceptor = acceptor_of(journal)
    submission = Submission("ingest", numbers(0, 5))
    journal.trouble = JournalFull("full")
    with pytest.raises(JournalFull):
        acceptor.accept_now(submission)

    journal.trouble = None
    acceptor.accept_now(submission)
    again = acceptor.accept_now(submission)

    assert kept(journal) == 5
    assert again.duplicates == 5


def test_an_acceptor_of_the_next_process_recognises_what_was_accepted(journal: Moody) -> None:
    acceptor_of(journal).accept_now(Submission("test", numbers(0, 3000)))
    later = acceptor_of(journal)
    later.warm()

    outcome = later.accept_now(Submission("test", numbers(0, 3001)))

    assert (outcome.accepted, outcome.duplicates) == (1, 3000)


def test_without_warming_the_repeat_would_be_taken_twice(journal: Moody) -> None:
    """The proof that the test above can fail."""
    acceptor_of(journal).accept_now(Submission("test", numbers(0, 3)))

    assert acceptor_of(journal).accept_now(Submission("test", numbers(0, 3))).accepted == 3


def test_every_refusal_is_counted_and_a_few_of_each_sort_are_kept_aside(journal: Moody) -> None:
    acceptor = acceptor_of(journal)
    refused = [Quarantined(NOW, "mqtt", "bad_json", "no JSON", b"x")] * 1000

    for _ in range(3):
        acceptor.accept_now(Submission("mqtt", numbers(0, 0), refused))

    assert acceptor.status().refused == {"bad_json": 3000}
    assert len(journal.quarantined()) == EXCERPTS


def test_many_threads_may_accept_at_once(journal: Moody) -> None:
    acceptor = acceptor_of(journal)

    def send(thread: int) -> None:
        for number in range(50):
            acceptor.accept_now(Submission("test", numbers((thread * 50 + number) * 4, 4)))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert kept(journal) == 800


def test_gaps_grow_until_the_longest_and_chance_shortens_each_by_up_to_a_quarter() -> None:
    longest = [gap_s(attempt, 0.0) for attempt in range(10)]
    shortest = [gap_s(attempt, 1.0) for attempt in range(10)]

    assert longest == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert all(short == pytest.approx(0.75 * long) for short, long in zip(shortest, longest, strict=True))
    assert all(shortest[i + 1] > longest[i] for i in range(6))
    assert sum(1 for i in range(1, 20) if sum(shortest[:i]) < 120) + 1 <= 12, "connects in 120 s"
