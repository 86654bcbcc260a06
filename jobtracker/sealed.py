"""Secrets at rest: passwords of files and suppliers' log-ins, sealed with a key of SECRET_KEY's."""

from base64 import urlsafe_b64encode
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


def seal(secret: str) -> str:
    """Return `secret` encrypted and signed (Fernet: AES-128-CBC with HMAC-SHA-256)."""
    return _fernet().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Return what `seal` was given. Raises `ValueError` where SECRET_KEY has changed since."""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise ValueError("The secret was sealed with another SECRET_KEY.") from None


def _fernet() -> Fernet:
    key = sha256(b"jobtracker.sealed:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(urlsafe_b64encode(key))
