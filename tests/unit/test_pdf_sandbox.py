"""The reading child: what files it refuses, what a page may cost, and what it cannot touch."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pdfjobs.sandbox import (
    Damaged,
    Limits,
    NeedsPassword,
    NotAPdf,
    PageFailed,
    Reader,
    TooManyPages,
    Unreadable,
    WrongPassword,
)
from tests.fixtures import pdfs

SHORT = Limits(page_seconds=2, table_seconds=2)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.pdf"


def refusal(
    kind: type[Unreadable], file: Path, password: str | None = None, limits: Limits = SHORT
) -> str:
    with pytest.raises(kind) as caught, Reader(file, password, limits=limits):
        pass
    assert type(caught.value) is kind
    return str(caught.value)


def failure(read: Callable[[], object]) -> PageFailed:
    with pytest.raises(PageFailed) as caught:
        read()
    assert caught.value.hint
    return caught.value


def test_what_is_no_pdf_is_named(file: Path) -> None:
    assert refusal(NotAPdf, pdfs.zero_bytes(file)) == "The file is empty (0 bytes)."
    told = refusal(NotAPdf, pdfs.not_a_pdf(file))
    assert told == "The file is not a PDF. It looks like a ZIP or Office file."


def test_damage_and_zero_pages_are_never_success(file: Path) -> None:
    told = "The file is damaged and no page of it can be read: "
    assert refusal(Damaged, pdfs.rubbish(file)) == told + "its structure is broken."
    assert refusal(Damaged, pdfs.no_pages(file)) == told + "it has no pages."


def test_a_password_is_asked_for_then_checked(file: Path) -> None:
    pdfs.encrypted(file, "open sesame")
    assert refusal(NeedsPassword, file) == "The file needs a password."
    assert refusal(WrongPassword, file, "wrong") == "The password does not open the file."
    with Reader(file, "open sesame") as reader:
        assert "T-101" in reader.text(1).text


def test_a_cut_off_file_is_read_as_far_as_it_goes_with_a_warning(file: Path) -> None:
    with Reader(pdfs.truncated(file)) as reader:
        assert reader.opened.engine == "pikepdf"
        assert "damaged" in reader.opened.warnings[0]
        assert "T-101" in reader.text(1).text


def test_a_hundred_thousand_pages_are_refused_at_once(file: Path) -> None:
    told = refusal(TooManyPages, pdfs.many_pages(file), limits=Limits(pages=5000))
    assert told == "The file has 100,000 pages; at most 5,000 are read. Split it."


def test_a_page_tree_that_bites_its_tail_fails_its_pages(file: Path) -> None:
    with Reader(pdfs.cyclic(file), limits=SHORT) as reader:
        assert "cannot be read" in failure(lambda: reader.text(1)).reason


def test_a_hanging_page_fails_alone(file: Path) -> None:
    with Reader(pdfs.hanging_page(file), limits=SHORT) as reader:
        first = reader.pid
        began = time.monotonic()
        told = failure(lambda: reader.text(1))
        assert time.monotonic() - began < 4
        assert told.reason == "The page cannot be read: it took longer than 2 seconds."
        assert not psutil.pid_exists(first or 0)
        assert reader.text(2).text == "Sound page"
        assert reader.pid != first


def test_an_exploding_page_is_stopped_within_its_limits(file: Path) -> None:
    limits = Limits(page_seconds=20, memory=600_000_000)
    with Reader(pdfs.exploding_stream(file), limits=limits) as reader:
        failure(lambda: reader.text(1))


def test_a_file_has_a_clock_of_its_own(file: Path) -> None:
    pdfs.hanging_page(file)
    with Reader(file, limits=Limits(page_seconds=5, file_seconds=1)) as reader:
        failure(lambda: reader.text(1))
        assert "used up its" in failure(lambda: reader.text(2)).reason


def test_a_page_whose_reader_was_killed_is_read_once_more(file: Path) -> None:
    pdfs.table_catalogue(file)
    with Reader(file) as reader:
        first = reader.pid
        assert first
        os.kill(first, 9)
        assert "T-101" in reader.text(1).text
        assert reader.pid != first


def test_a_page_whose_readers_are_always_killed_fails_alone(file: Path) -> None:
    killing = False
    reader: Reader

    def kill() -> None:
        if killing and reader.pid:
            os.kill(reader.pid, 9)

    reader = Reader(pdfs.table_catalogue(file), check=kill)
    with reader:
        killing = True
        assert "SIGKILL" in failure(lambda: reader.text(1)).reason
        killing = False
        assert "T-101" in reader.text(1).text


def test_a_stop_ends_the_child_at_once(file: Path) -> None:
    class Stop(Exception):
        pass

    stopping = False

    def check() -> None:
        if stopping:
            raise Stop

    with Reader(pdfs.hanging_page(file), check=check) as reader:
        child = reader.pid or 0
        stopping = True
        with pytest.raises(Stop):
            reader.text(1)
        assert not psutil.pid_exists(child)


def test_the_child_holds_nothing_of_ours(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    pdfs.table_catalogue(file)
    with file.open("rb") as kept, Reader(file) as reader:
        os.set_inheritable(kept.fileno(), True)
        reader.text(1)
        child = psutil.Process(reader.pid)
        assert "DATABASE_URL" not in child.environ()
        assert child.net_connections() == []
        assert {entry.path for entry in child.open_files()} <= {str(file)}
        loaded = {Path(entry.path).name for entry in child.memory_maps()}
        assert not any("psycopg" in name for name in loaded)
        assert os.getsid(child.pid) == child.pid
        assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert child.rlimit(psutil.RLIMIT_AS)[1] == Limits().memory
    assert not child.is_running()


def test_the_child_dies_with_its_parent(file: Path) -> None:
    pdfs.table_catalogue(file)
    program = (
        "import sys, pathlib; from pdfjobs.sandbox import Reader\n"
        "with Reader(pathlib.Path(sys.argv[1])) as reader:\n"
        "    print(reader.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        assert not psutil.wait_procs([child], timeout=5)[1]


def test_libraries_that_print_do_not_disturb_the_answers(file: Path) -> None:
    from pdfjobs.reading import child

    source = Path(child.__file__).read_text()
    assert "django" not in source
    with Reader(pdfs.table_catalogue(file)) as reader:
        outputs = [str(Path(f"/proc/{reader.pid}/fd/{n}").readlink()) for n in (1, 2)]
    assert outputs == ["/dev/null", "/dev/null"]
