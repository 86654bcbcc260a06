import pytest

from jobtracker.models import JobQueue
from jobtracker.states import JobType


@pytest.fixture
def queues(transactional_db):
    """The rows of the types, which the claim needs and a transactional test empties."""
    for job_type in JobType:
        JobQueue.objects.get_or_create(job_type=job_type)
