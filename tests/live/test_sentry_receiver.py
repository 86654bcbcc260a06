"""Events over the wire: to a receiver that answers, and to one that never does."""

import json
import os
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import brotli
import pytest
import sentry_sdk

from jobtracker import reporting
from jobtracker.models import BackgroundJob, JobAttempt
from jobtracker.states import JobType, Outcome, Status

PATIENCE = 20


class Receiver(ThreadingHTTPServer):
    """Takes envelopes; answers each only once `answering` is set."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Envelopes)
        self.answering = threading.Event()
        self.arrived = threading.Semaphore(0)
        self.events = []

    @property
    def dsn(self):
        return f"http://key@127.0.0.1:{self.server_port}/42"

    def messages(self):
        return sorted(event["exception"]["values"][0]["value"] for event in self.events)


class Envelopes(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        match self.headers["Content-Encoding"]:
            case "gzip":
                body = zlib.decompress(body, wbits=31)
            case "br":  # what the SDK prefers where the library is installed
                body = brotli.decompress(body)
        self.server.events.append(json.loads(body.split(b"\n")[2]))
        self.server.arrived.release()
        self.server.answering.wait(PATIENCE)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver(monkeypatch):
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setattr(reporting, "_options", {})
    reporting.init(server.dsn, release="r", environment="test")
    yield server
    server.answering.set()
    sentry_sdk.get_client().close(PATIENCE)
    sentry_sdk.get_global_scope().set_client(None)
    server.shutdown()
    thread.join()
    server.server_close()


def failure(message):
    job = BackgroundJob(job_type=JobType.IMPORT, status=Status.FAILED)
    attempt = JobAttempt(job=job, number=1, outcome=Outcome.FAILED, error=message, stage="read")
    return reporting.attempt_event(attempt)


def test_an_event_arrives(receiver):
    receiver.answering.set()
    event_id = reporting.send(failure("no records"))
    reporting.flush(PATIENCE)
    (event,) = receiver.events
    assert event["event_id"] == event_id
    assert event["exception"]["values"][0]["value"] == "no records"
    assert event["contexts"]["job"]["page"]


def test_a_receiver_that_never_answers_delays_nothing(receiver):
    assert reporting.send(failure("first"))
    assert receiver.arrived.acquire(timeout=PATIENCE)
    for number in range(3 * reporting.QUEUED_EVENTS):
        reporting.send(failure(f"further {number}"))
    assert not receiver.answering.is_set()
    assert receiver.messages() == ["first"]


def test_a_receiver_that_is_not_there_is_no_error(receiver):
    sentry_sdk.get_client().close(0)
    reporting.init("http://key@127.0.0.1:1/42", release="r", environment="test")
    assert reporting.send(failure("first"))


def test_a_fork_sends_its_own_events_and_none_of_its_parents(receiver):
    reporting.send(failure("parent, under way"))
    assert receiver.arrived.acquire(timeout=PATIENCE)
    reporting.send(failure("parent, queued"))
    child = os.fork()
    if child == 0:
        try:
            reporting.send(failure("child"))
            reporting.flush(PATIENCE)
        finally:
            os._exit(0)
    assert receiver.arrived.acquire(timeout=PATIENCE)
    assert receiver.messages() == ["child", "parent, under way"]
    receiver.answering.set()
    os.waitpid(child, 0)
    reporting.flush(PATIENCE)
    assert receiver.messages() == ["child", "parent, queued", "parent, under way"]
