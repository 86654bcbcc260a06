"""Source files are kept as they came, under our names; pages read only where they may."""

import hashlib
import os
import stat
import time

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from jobtracker import uploads
from jobtracker.uploads import SourceRefused, allowed_path, store_path, store_upload
from jobtracker.workers.supervisor import Supervisor

BODY = b"<feed/>" * 1000


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    """The stored files' folder."""
    place = tmp_path / "stored"
    sources = {**settings.STORAGES["sources"]}
    sources["OPTIONS"] = {**sources["OPTIONS"], "location": place}
    settings.STORAGES = {**settings.STORAGES, "sources": sources}
    return place


@pytest.fixture
def open_folder(settings, tmp_path):
    """The one folder that pages may read from."""
    place = tmp_path / "open"
    place.mkdir()
    (place / "feed.xml").write_bytes(BODY)
    settings.IMPORT_DIRS = [place]
    return place


def test_an_upload_is_kept_under_a_name_of_ours(folder):
    stored = store_upload(SimpleUploadedFile("feed.xml", BODY))
    assert (stored.original_name, stored.bytes) == ("feed.xml", len(BODY))
    assert stored.sha256 == hashlib.sha256(BODY).hexdigest()
    assert "feed" not in stored.name
    assert (folder / stored.name).read_bytes() == BODY


def test_stored_files_are_for_our_user_alone(folder):
    stored = store_upload(SimpleUploadedFile("feed.xml", BODY))
    assert stat.S_IMODE((folder / stored.name).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/cron.d/x", "x"),
        ("C:\\Users\\anna\\feed.csv", "feed.csv"),
        ("a\x00b\n\u202ec.xml", "abc.xml"),
        ("x" * 300 + ".xml", "x" * 251 + ".xml"),
        ("Πλακάκια 2026.xml", "Πλακάκια 2026.xml"),
    ],
)
def test_the_users_name_is_only_shown(given, shown):
    assert uploads.shown_name(given) == shown


def test_one_name_twice_is_two_files(folder):
    one, two = (store_upload(SimpleUploadedFile("feed.xml", BODY)) for _ in range(2))
    assert one.name != two.name
    assert len(list(folder.iterdir())) == 2


def test_too_large_a_file_is_refused_and_nothing_is_left(settings, folder):
    settings.MAX_UPLOAD_MB = 1
    most = bytes(1 << 20)
    assert store_upload(SimpleUploadedFile("most.csv", most)).bytes == 1 << 20
    with pytest.raises(SourceRefused, match=r"more\.csv is larger than 1 MB"):
        store_upload(SimpleUploadedFile("more.csv", most + b"x"))
    assert len(list(folder.iterdir())) == 1


def test_an_empty_file_is_refused(folder):
    with pytest.raises(SourceRefused, match=r"feed\.xml is empty"):
        store_upload(SimpleUploadedFile("feed.xml", b""))
    assert not folder.exists()


def test_a_path_is_copied_and_stays_where_it_is(folder, tmp_path):
    path = tmp_path / "feed.xml"
    path.write_bytes(BODY)
    stored = store_path(path)
    assert (folder / stored.name).read_bytes() == path.read_bytes() == BODY
    assert stored.original_name == "feed.xml"
    assert store_path(path, "shop.example").original_name == "shop.example"


def test_a_path_without_a_readable_file_is_said_so(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refused = {
        "none": "does not exist",
        ".": "no file",
        "pipe": "no file",
        "x" * 300: "cannot be opened: File name too long",
    }
    for name, reason in refused.items():
        with pytest.raises(SourceRefused, match=reason):
            store_path(tmp_path / name)


def test_a_stored_file_is_given_as_a_path_and_can_be_deleted(folder):
    stored = store_upload(SimpleUploadedFile("feed.xml", BODY))
    with uploads.local_copy(stored.name) as path:
        assert path == folder / stored.name
    uploads.delete(stored.name)
    uploads.delete(stored.name)
    with pytest.raises(FileNotFoundError, match="is gone"), uploads.local_copy(stored.name):
        pass


class Remote(Storage):
    """A storage without local paths, as an object store is."""

    def __init__(self):
        self.files = {}

    def _save(self, name, content):
        self.files[name] = content.read()
        return name

    def _open(self, name, mode="rb"):
        return ContentFile(self.files[name])

    def exists(self, name):
        return name in self.files


def test_a_remote_file_is_copied_for_the_block(monkeypatch):
    remote = Remote()
    monkeypatch.setitem(storages._storages, "sources", remote)
    stored = store_upload(SimpleUploadedFile("feed.xml", BODY))
    with uploads.local_copy(stored.name) as path:
        assert path.read_bytes() == BODY
    assert not path.exists()
    assert remote.exists(stored.name)


def test_a_download_leaves_nothing_behind():
    with uploads.incoming() as path:
        path.write_bytes(BODY)
        stored = store_path(path, "feed.xml")
    assert not path.parent.exists()
    assert stored.bytes == len(BODY)


def test_a_path_in_an_open_folder_is_found(open_folder):
    for text in ("feed.xml", str(open_folder / "feed.xml"), f" {open_folder}/../open/feed.xml "):
        assert allowed_path(text) == (open_folder / "feed.xml").resolve()


def test_paths_outside_say_the_same_whether_they_exist(open_folder, tmp_path):
    (tmp_path / "secret").write_text("x")
    said = set()
    for name in ("secret", "missing"):
        text = str(tmp_path / name)
        with pytest.raises(SourceRefused, match="outside") as refused:
            allowed_path(text)
        said.add(str(refused.value).replace(text, ""))
    assert len(said) == 1


def test_neither_dots_nor_links_nor_look_alikes_lead_out(open_folder, tmp_path):
    (tmp_path / "secret").write_text("x")
    (tmp_path / "open-too").mkdir()
    (tmp_path / "open-too" / "feed.xml").write_bytes(BODY)
    (open_folder / "link").symlink_to(tmp_path / "secret")
    (open_folder / "up").symlink_to(tmp_path)
    for text in ("../secret", "link", "up/secret", "../open-too/feed.xml", "/etc/passwd"):
        with pytest.raises(SourceRefused, match="outside"):
            allowed_path(text)


def test_a_link_within_the_folder_is_fine(open_folder):
    (open_folder / "newest.xml").symlink_to("feed.xml")
    assert allowed_path("newest.xml") == (open_folder / "feed.xml").resolve()


def test_what_is_no_file_is_said_so(open_folder):
    (open_folder / "round").symlink_to("round")
    os.mkfifo(open_folder / "pipe")
    for text in ("missing.xml", ".", "round", "pipe"):
        with pytest.raises(SourceRefused, match="does not exist or is no file"):
            allowed_path(text)
    for text in ("", "  ", "a\0b"):
        with pytest.raises(SourceRefused, match="no path"):
            allowed_path(text)


def test_without_folders_no_path_is_read(settings):
    settings.IMPORT_DIRS = []
    with pytest.raises(SourceRefused, match="IMPORT_DIRS"):
        allowed_path("/etc/passwd")


def test_what_a_killed_process_left_goes_after_a_week(settings, tmp_path, monkeypatch):
    settings.FILE_UPLOAD_TEMP_DIR = place = tmp_path / "incoming"
    for age, days in (("old", 8), ("new", 6)):
        (place / f"feed-{age}").mkdir(parents=True)
        (place / f"feed-{age}" / "feed.xml").write_text("<feed/>")
        (place / f"source-{age}").write_text("sku")
        for entry in (place / f"feed-{age}", place / f"source-{age}"):
            then = time.time() - days * 86_400
            os.utime(entry, (then, then))
    monkeypatch.setattr(Supervisor, "run", lambda supervisor: None)
    call_command("worker")
    assert sorted(entry.name for entry in place.iterdir()) == ["feed-new", "source-new"]
