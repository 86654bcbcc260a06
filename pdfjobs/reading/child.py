"""The reading child: `python -m pdfjobs.reading.child`, started by `pdfjobs.sandbox` only.

One JSON object a line comes in, one goes out: `{"ok": ...}`, `{"refused": kind, "sentence": ...}`
for the file, or `{"reason": ..., "stop": bool}` for a page. Libraries that print cannot disturb
it: the answers go through a descriptor of their own.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

_SET_PARENT_DEATH_SIGNAL = 1


def _die_with_parent(parent: int) -> None:
    """The kernel kills this process when the one that started it ends."""
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _limit(limits: dict[str, Any], file_bytes: int) -> None:
    """Caps that hold whatever the libraries do; a saved-anew copy may be as large as the file."""
    cpu = int(limits["file_seconds"]) + 1
    for what, most in (
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, max(64 * 1024 * 1024, 2 * file_bytes)),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(what, (most, most))


class Session:
    """Answers requests about one document."""

    def __init__(self) -> None:
        self.document: Any = None
        self.limits: dict[str, Any] = {}

    def answer(self, request: dict[str, Any]) -> Any:
        what = request["do"]
        if what == "open":
            return self._open(request)
        if what == "inspect":
            return self.document.inspect()
        number, folder = request["page"], Path(request["folder"] or "/nonexistent")
        if what == "text":
            from pdfjobs.reading.words import page_text

            return asdict(page_text(self.document, number))
        if what == "tables":
            from pdfjobs.reading.tables import page_tables

            return [asdict(table) for table in page_tables(self.document, number)]
        if what == "images":
            from pdfjobs.reading.pictures import page_images

            found = page_images(self.document, number, folder, self.limits["pixels"])
            return [asdict(image) for image in found]
        from pdfjobs.reading.drawing import draw_page

        return asdict(draw_page(self.document, number, folder, self.limits["pixels"]))

    def _open(self, request: dict[str, Any]) -> Any:
        path = Path(request["path"])
        self.limits = request["limits"]
        _limit(self.limits, path.stat().st_size)
        from pdfjobs.reading.document import Document

        self.document = Document(
            path,
            request["password"],
            request["engine"],
            Path(request["scratch"]),
            self.limits["pages"],
        )
        return asdict(self.document.opened)


def respond(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request; whatever goes wrong in a library is that request's."""
    from pdfjobs.reading.document import Refused

    try:
        return {"ok": session.answer(request)}
    except Refused as refusal:
        return {"refused": refusal.kind, "sentence": str(refusal)}
    except MemoryError:
        return {"reason": "it needs more memory than a page may have", "stop": True}
    except RecursionError:
        return {"reason": "it is nested too deeply", "stop": True}
    except Exception as error:
        said = " ".join(str(error).split())[:200].rstrip(".")
        return {"reason": said or type(error).__name__, "stop": False}


def main() -> None:
    _die_with_parent(int(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    session = Session()
    for line in sys.stdin:
        answers.write(json.dumps(respond(session, json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
