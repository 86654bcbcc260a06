"""SFTP, by paramiko, which is an optional extra (requirements-sftp.txt)."""

import socket
from base64 import b64encode
from hashlib import sha256
from urllib.parse import SplitResult, unquote

import paramiko

from jobtracker.outbound import (
    Download,
    Fetched,
    FetchFailed,
    OutboundRefused,
    checked_addresses,
)

from .login import Login
from .tags import fetched, unchanged

PORT = 22
SECONDS = 30
PIECE_BYTES = 1 << 15


def fetch(parts: SplitResult, download: Download, etag: str | None, login: Login | None) -> Fetched:
    """Download a file; its tag is its time and size. The server must show the key that is kept
    with the log-in. Raises `OutboundError`."""
    host, port = parts.hostname or "", parts.port or PORT
    if login is None or login.kind != "basic":
        raise OutboundRefused(f"{host} needs a user and a password: keep a log-in for it.")
    address = checked_addresses(host, port)[0]
    try:
        with (
            socket.create_connection((address, port), SECONDS) as connection,
            paramiko.Transport(connection) as transport,
        ):
            transport.start_client(timeout=SECONDS)
            _check_key(host, transport, login.host_key)
            transport.auth_password(login.name, login.secret)
            client = paramiko.SFTPClient.from_transport(transport)
            assert client is not None
            client.get_channel().settimeout(SECONDS)  # type: ignore[union-attr]
            return _copied(client, parts, download, etag)
    except paramiko.AuthenticationException:
        raise FetchFailed(f"{host} does not take the log-in.", transient=False) from None
    except FileNotFoundError:
        raise FetchFailed(f"{host} has no file {unquote(parts.path)}.", transient=False) from None
    except PermissionError:
        reason = f"{host} does not let us read {unquote(parts.path)}."
        raise FetchFailed(reason, transient=False) from None
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise FetchFailed(f"{host} broke off: {error}.", transient=True) from None


def _check_key(host: str, transport: paramiko.Transport, known: str) -> None:
    shown = transport.get_remote_server_key().asbytes()
    fingerprint = f"SHA256:{b64encode(sha256(shown).digest()).decode().rstrip('=')}"
    if fingerprint != known.strip().rstrip("="):
        raise OutboundRefused(
            f"{host} was refused: its key is {fingerprint}, not the one kept with its log-in. Ask "
            "the supplier whether that is its key, and keep it with the log-in then."
        )


def _copied(
    client: paramiko.SFTPClient, parts: SplitResult, download: Download, etag: str | None
) -> Fetched:
    path = unquote(parts.path)
    about = client.stat(path)
    tag = f"{about.st_mtime} {about.st_size}"
    if etag and tag == etag:
        return unchanged(parts, tag)
    with download, client.open(path, "rb") as file:
        file.prefetch(about.st_size)
        while piece := file.read(PIECE_BYTES):
            download.write(piece)
    return fetched(parts, tag, download)
