"""Hands out stored pictures, under names of their content."""

from django.core.files.storage import storages
from django.http import FileResponse, Http404, HttpRequest
from django.shortcuts import get_object_or_404

from jobtracker.access import staff_required
from jobtracker.images.models import StoredImage

KEPT = "private, max-age=31536000, immutable"  # another content has another address


@staff_required()
def image(request: HttpRequest, sha256: str) -> FileResponse:
    """Hand out a picture as it came."""
    found = get_object_or_404(StoredImage, sha256=sha256)
    return _file(found.file, found.content_type)


@staff_required()
def thumbnail(request: HttpRequest, sha256: str) -> FileResponse:
    """Hand out a picture's thumbnail."""
    return _file(get_object_or_404(StoredImage, sha256=sha256).thumbnail, "image/jpeg")


def _file(name: str, content_type: str) -> FileResponse:
    headers = {"Cache-Control": KEPT, "X-Content-Type-Options": "nosniff"}
    try:
        stored = storages["default"].open(name, "rb")
    except FileNotFoundError:
        raise Http404("The file is gone.") from None
    return FileResponse(stored, content_type=content_type, headers=headers)
