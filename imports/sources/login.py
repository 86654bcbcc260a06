"""A supplier's log-in, unsealed for the length of one download."""

from base64 import b64encode
from dataclasses import dataclass, field

from django.conf import settings

from jobtracker.outbound import OutboundRefused, WebLogin


@dataclass(frozen=True)
class Login:
    """Who we are to a host. `kind` is basic (user and password, also of FTPS and SFTP), bearer
    or header; `name` the user or the header; `host_key` the fingerprint of an SFTP server's key,
    as `SHA256:...`."""

    kind: str
    name: str
    secret: str = field(repr=False)
    host_key: str = ""

    def of_web(self, scheme: str, host: str, port: int) -> WebLogin:
        """The header that says it. Raises `OutboundRefused` where others could read it."""
        if scheme != "https" and (host, port) not in settings.OUTBOUND_ALLOW:
            raise OutboundRefused(f"{host} was refused: a log-in is sent over https only.")
        if self.kind == "basic":
            pair = b64encode(f"{self.name}:{self.secret}".encode()).decode()
            header = ("Authorization", f"Basic {pair}")
        elif self.kind == "bearer":
            header = ("Authorization", f"Bearer {self.secret}")
        else:
            header = (self.name, self.secret)
        return WebLogin((scheme, host, port), *header)
