"""The action `close`: a session is lost at the point, and the error is the ordinary one."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from imports.models import DataImportJob
from jobtracker import lifecycle
from jobtracker.context import session_is_lost
from jobtracker.faults import Fault
from jobtracker.models import BackgroundJob
from tests.db.jobs import make_job

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: object) -> Iterator[None]:
    settings.DATA_DIR = tmp_path
    yield
    connection.close()


def create_and_lose_the_session() -> None:
    with pytest.raises(OperationalError) as lost:
        make_job()
    assert session_is_lost(lost.value)
    connection.close()


def test_inside_a_transaction_nothing_is_kept(settings: Any) -> None:
    settings.FAULT = Fault("create.inserted", 1, "close")
    create_and_lose_the_session()
    assert not BackgroundJob.objects.exists()


def test_after_the_commit_all_is_there_though_the_caller_does_not_know(
    settings: Any,
) -> None:
    settings.FAULT = Fault("create.committed", 1, "close")
    create_and_lose_the_session()
    assert DataImportJob.objects.get().background_job.status == "pending"


def test_a_repeat_goes_well(settings: Any) -> None:
    settings.FAULT = Fault("cancel.changed", 1, "close")
    job = make_job()
    with pytest.raises(OperationalError):
        lifecycle.cancel([job.pk], None)
    connection.close()
    with transaction.atomic():
        assert lifecycle.cancel([job.pk], None) == {job.pk: "cancelled"}
