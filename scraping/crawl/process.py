"""The program of a crawl: python -m scraping.crawl.process PARENT READING

PARENT is the pid of the attempt, with which it dies; READING the descriptor of its shared memory.
The order comes as the first line of input, `stop` as a later one; lines of JSON go back. The
database is only used in one thread, the network only in Scrapy's loop (robots.txt: in threads).
"""

import asyncio
import ctypes
import gc
import json
import logging
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1


class Lines:
    """The way back to the attempt. What anything prints goes to the error output instead."""

    def __init__(self) -> None:
        self._pipe = os.dup(1)
        os.dup2(2, 1)

    def say(self, **line: Any) -> None:
        os.write(self._pipe, json.dumps(line).encode() + b"\n")


def main() -> None:
    parent, reading = map(int, sys.argv[1:3])
    _die_with(parent)
    gc.disable()  # what a start makes stays: looking for garbage in it takes a tenth of its time
    lines = Lines()
    first = sys.stdin.readline()

    import django

    django.setup()
    lines.say(beat=True)
    crawl(first, reading, lines)


def crawl(first: str, reading: int, lines: Lines) -> None:
    """Crawl to the end of the queue."""
    # This one reads the source of all that is importing it, which is least from here.
    import scrapy.core.downloader.contextfactory  # noqa: F401
    from scrapy.crawler import AsyncCrawlerProcess

    from jobtracker.workers import session
    from scraping.crawl.order import Order
    from scraping.crawl.queue import Queue, robots_of
    from scraping.crawl.results import Store
    from scraping.crawl.settings import crawl_settings
    from scraping.crawl.spider import PageSpider

    order = Order.from_line(first)
    session.use("crawl")
    # Libraries tell of each step, and Scrapy sets its loggers to talk; ours goes back as lines.
    logging.disable(logging.WARNING)
    ending = partial(_end_by_error, lines)
    database = ThreadPoolExecutor(1, "database")
    try:
        store = database.submit(Store, order).result()
        delay = None
        if not order.options.ignore_robots and (robots := robots_of(store.source_url)):
            delay = robots.crawl_delay
        if delay:
            lines.say(warn=f"robots.txt asks for {delay:g} s between requests.", code="slow")
        process = AsyncCrawlerProcess(crawl_settings(order.options, order.pace, delay))

        def in_database(work: Any, *args: Any) -> Any:
            return asyncio.get_running_loop().run_in_executor(database, partial(work, *args))

        queue = Queue(order, store, in_database, lines.say)
        _obey(queue, lines, ending)
        crawler = process.create_crawler(PageSpider)
        finished = process.crawl(crawler, queue=queue, reading=reading, failed=ending)
        gc.freeze()
        gc.enable()
        process.start(install_signal_handlers=False)
        if error := finished.exception():
            raise error
    except Exception as error:
        ending(error)
    lines.say(end="finished")
    sys.stderr.flush()
    os._exit(0)


def _obey(queue: Any, lines: Lines, ending: Any) -> None:
    """Stop when the attempt says so, from a thread that waits for its word."""
    loop = asyncio.get_event_loop()

    async def stop() -> None:
        try:
            await queue.stop()
        except Exception as error:
            ending(error)
        lines.say(end="stopped")
        os._exit(0)

    def wait() -> None:
        for line in sys.stdin:
            if line.strip() == "stop":
                asyncio.run_coroutine_threadsafe(stop(), loop)

    threading.Thread(target=wait, daemon=True).start()


def _end_by_error(lines: Lines, error: BaseException) -> NoReturn:
    """Say why the crawl cannot go on, and end at once: what is claimed will be claimed anew."""
    from jobtracker.states import LeaseLost
    from scraping.crawl.guard import GuardMissing

    match error:
        case LeaseLost():
            lines.say(end="lost")
        case GuardMissing():
            lines.say(end="refused", reason=str(error))
        case _:
            import traceback

            traceback.print_exception(error, file=sys.stderr)
            reason = f"The crawl process failed: {type(error).__name__}: {error}"
            lines.say(end="error", reason=reason.strip()[:1000])
    sys.stderr.flush()
    os._exit(1)


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


if __name__ == "__main__":
    main()
