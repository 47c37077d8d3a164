"""Every address of the platform.

Each app lists its own routes below /api/v1/ in its `urls.py`, as `api_urlpatterns`.
"""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from accounts import urls as accounts
from rest import urls as rest
from wallets import urls as wallets

API_V1: list[URLPattern | URLResolver] = [
    *rest.api_urlpatterns,
    *accounts.api_urlpatterns,
    *wallets.api_urlpatterns,
    # The last one: what no app knows is answered in the API's own words.
    *rest.unknown_path,
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include(API_V1)),
    path("", include("django_prometheus.urls")),
]
