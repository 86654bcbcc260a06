"""Scrapy's settings for a crawl, and why those that are not its defaults are so."""

from typing import Any

from jobtracker import __version__
from scraping.crawl.order import Pace
from scraping.options import Options

START_DELAY = 0.25
SIMULTANEOUS = 2.0  # requests at a time that the site's own speed leads to
SLOWEST = 60.0

OFF = {
    # What a row does here: redirects, retries, robots.txt. And what would act behind its back.
    "DOWNLOADER_MIDDLEWARES": {
        f"scrapy.downloadermiddlewares.{name}": None
        for name in (
            "offsite.OffsiteMiddleware",
            "robotstxt.RobotsTxtMiddleware",
            "httpauth.HttpAuthMiddleware",
            "retry.RetryMiddleware",
            "redirect.MetaRefreshMiddleware",
            "redirect.RedirectMiddleware",
            "cookies.CookiesMiddleware",
            "httpproxy.HttpProxyMiddleware",
            "stats.DownloaderStats",
            "httpcache.HttpCacheMiddleware",
        )
    },
    "SPIDER_MIDDLEWARES": {
        f"scrapy.spidermiddlewares.{name}": None
        for name in (
            "start.StartSpiderMiddleware",
            "httperror.HttpErrorMiddleware",
            "referer.RefererMiddleware",
            "urllength.UrlLengthMiddleware",
            "depth.DepthMiddleware",
            "metacopy.MetaCopyDetectionMiddleware",
        )
    },
    "EXTENSIONS": {
        f"scrapy.extensions.{name}": None
        for name in (
            "corestats.CoreStats",
            "logcount.LogCount",
            "telnet.TelnetConsole",
            "memusage.MemoryUsage",
            "memdebug.MemoryDebugger",
            "closespider.CloseSpider",
            "feedexport.FeedExporter",
            "logstats.LogStats",
            "spiderstate.SpiderState",
            "remote_control.RemoteControl",
        )
    },
}


def crawl_settings(options: Options, pace: Pace, crawl_delay: float | None) -> dict[str, Any]:
    """Return the settings. A delay of 0 that a person gave turns the throttle off; robots.txt's
    delay is obeyed with robots.txt."""
    least = 0.0 if options.ignore_robots else crawl_delay or 0.0
    return {
        **OFF,
        "REMOTE_CONTROL_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "HTTPPROXY_ENABLED": False,
        "COOKIES_ENABLED": False,
        "ROBOTSTXT_OBEY": False,  # the queue asks robots.txt before it hands a page out
        "SCHEDULER": "scraping.crawl.queue.PageScheduler",
        "TWISTED_DNS_RESOLVER": "scraping.crawl.guard.GuardedResolver",
        "DNSCACHE_ENABLED": False,
        "DOWNLOAD_HANDLERS": {"file": None, "ftp": None, "s3": None, "data": None},
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "DOWNLOAD_MAXSIZE": pace.max_bytes,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_TIMEOUT": pace.timeout,
        "CONCURRENT_REQUESTS": 2 * pace.concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": pace.concurrency,
        "DOWNLOAD_DELAY": max(options.delay or 0.0, least),
        "DOWNLOAD_DELAY_JITTER": 0.5,
        "AUTOTHROTTLE_ENABLED": options.delay != 0,
        "AUTOTHROTTLE_START_DELAY": START_DELAY,
        "AUTOTHROTTLE_TARGET_CONCURRENCY": SIMULTANEOUS,
        "AUTOTHROTTLE_MAX_DELAY": SLOWEST,
        "USER_AGENT": f"jobtracker/{__version__}",
        "DOWNLOADER_STATS": False,
        "STATS_CLASS": "scrapy.statscollectors.DummyStatsCollector",
        "STATS_DUMP": False,
        "LOG_ENABLED": False,
    }
