"""The django-q2 cluster as the supervisor runs it: stock processes, each taking its role here.

What is relied on in django-q2 1.11.1 is asserted in tests/live/test_worker_django_q2.py.
"""

from multiprocessing import current_process
from multiprocessing.util import register_after_fork

from django_q import signals
from django_q.cluster import Cluster, Sentinel
from django_q.monitor import monitor
from django_q.pusher import pusher
from django_q.worker import worker

from jobtracker.workers import nurse, processes, session
from jobtracker.workers.block import Beating, Block


def run(block: Block) -> None:
    """Start the cluster in this process and return when its sentinel has ended."""
    processes.set_name("cluster")
    register_after_fork(block, _take_role)
    signals.post_spawn.connect(nurse.take_place)
    signals.pre_execute.connect(nurse.take_ticket)
    signals.post_execute_in_worker.connect(nurse.finish_ticket)
    cluster = Cluster()
    cluster.start()
    cluster.sentinel.join()


def _take_role(block: Block) -> None:
    """Give a process that multiprocessing has just started its name, by what it runs."""
    runs = getattr(current_process(), "_target", None)
    if runs is Sentinel:
        processes.set_name("sentinel")
        block.tick(Beating.SENTINEL)
    elif runs is worker:
        processes.set_name("nurse")
        session.use("nurse")
    elif runs is monitor:
        processes.set_name("monitor")
        session.use("results")
        block.count_monitor()
    elif runs is pusher:
        processes.set_name("pusher")
        session.use("pusher")
        block.tick(Beating.PUSHER)
