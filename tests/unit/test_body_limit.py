"""Requests with a body that is too large are refused before it is read."""

import pytest

from jobtracker import asgi

MEGABYTE = 1 << 20


async def never():
    raise AssertionError("the body was read")


@pytest.fixture
def answers(settings, monkeypatch):
    """Answers of the application to requests of a given length; no database is listened to."""
    settings.MAX_UPLOAD_MB = 2
    monkeypatch.setattr(asgi.live, "start", lambda: None)

    async def passed_on(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    monkeypatch.setattr(asgi, "pages", passed_on)

    async def answer(length: bytes | None) -> int:
        sent = []

        async def send(message):
            sent.append(message)

        headers = [] if length is None else [(b"content-length", length)]
        await asgi.application({"type": "http", "headers": headers}, never, send)
        return sent[0]["status"]

    return answer


async def test_a_body_above_the_limit_is_refused_unread(answers):
    assert await answers(str(3 * MEGABYTE + 1).encode()) == 413


@pytest.mark.parametrize("length", [None, b"0", str(2 * MEGABYTE).encode()])
async def test_others_reach_the_pages(answers, length):
    assert await answers(length) == 200
