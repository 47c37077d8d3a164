"""Pages of identity checks."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse

from accounts.kyc import files
from accounts.kyc.folder import LinkInvalid, read_link
from accounts.models import User

# Whatever it holds: it runs nothing, loads nothing, and no other site frames it.
FILE_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@login_required
def kyc_file(request: HttpRequest, token: str) -> HttpResponse:
    """A file of the private folder, to the person its link was made for."""
    try:
        name, media_type = read_link(token, reader=str(cast(User, request.user).public_id))
        content = files.read(name)
    except (LinkInvalid, FileNotFoundError) as error:
        raise Http404 from error
    return HttpResponse(
        content,
        content_type=media_type,
        headers={
            "Content-Disposition": "inline",
            "Content-Security-Policy": FILE_POLICY,
            "Cache-Control": "no-store",
        },
    )
