"""FTP over TLS (RFC 4217), by the standard library."""

import ftplib
import socket
import ssl
from typing import Any
from urllib.parse import SplitResult, unquote

from jobtracker.outbound import (
    Download,
    Fetched,
    FetchFailed,
    OutboundRefused,
    checked_addresses,
)

from .login import Login
from .tags import fetched, unchanged

PORT = 21
SECONDS = 30


class _Session(ftplib.FTP_TLS):
    """One whose connections go to a judged address, while its certificate must bear the name."""

    def connect_to(self, host: str, address: str, port: int) -> None:
        self.sock = socket.create_connection((address, port), SECONDS)
        self.host, self.port, self.af = host, port, self.sock.family
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()

    def ntransfercmd(self, cmd: str, rest: Any = None) -> tuple[socket.socket, int | None]:
        """As in ftplib, but going on with the control connection's TLS session: many servers
        refuse a data connection without it."""
        # The address is that of the control connection, whatever the server answers.
        data, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        assert isinstance(self.sock, ssl.SSLSocket)
        tls = self.context.wrap_socket(data, server_hostname=self.host, session=self.sock.session)
        return tls, size


def fetch(parts: SplitResult, download: Download, etag: str | None, login: Login | None) -> Fetched:
    """Download a file; its tag is its time and size. Raises `OutboundError`."""
    host, port, path = parts.hostname or "", parts.port or PORT, unquote(parts.path)
    if login is None or login.kind != "basic":
        raise OutboundRefused(f"{host} needs a user and a password: keep a log-in for it.")
    address = checked_addresses(host, port)[0]
    session = _Session(context=ssl.create_default_context(), timeout=SECONDS)
    try:
        session.connect_to(host, address, port)
        session.login(login.name, login.secret)
        session.prot_p()
        session.voidcmd("TYPE I")
        tag = f"{_said(session, f'MDTM {path}')} {_said(session, f'SIZE {path}')}"
        if etag and tag.strip() and tag == etag:
            return unchanged(parts, tag)
        with download:
            session.retrbinary(f"RETR {path}", download.write)
        return fetched(parts, tag, download)
    except ssl.SSLCertVerificationError:
        reason = f"{host} has a certificate that cannot be trusted."
        raise FetchFailed(reason, transient=False) from None
    except ftplib.error_perm as error:
        raise FetchFailed(f"{host} answered {error}.", transient=False) from None
    except (ftplib.Error, OSError, EOFError) as error:
        raise FetchFailed(f"{host} broke off: {error}.", transient=True) from None
    finally:
        session.close()


def _said(session: _Session, command: str) -> str:
    """What a server says of a file, "" where it does not know the command."""
    try:
        return session.sendcmd(command).partition(" ")[2]
    except ftplib.error_perm:
        return ""
