"""Every address of the platform.

Each app lists its own routes below /api/v1/ in its `urls.py`, as `api_urlpatterns`.
"""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from accounts import urls as accounts
from accounts.kyc import urls as kyc
from accounts.notifications import urls as notifications
from compliance import urls as compliance
from copytrade import account_use, health, metrics
from execution import urls as execution
from ledger import urls as ledger
from rest import urls as rest
from subscriptions import urls as subscriptions
from wallets import urls as wallets

API_V1: list[URLPattern | URLResolver] = [
    *rest.api_urlpatterns,
    *accounts.api_urlpatterns,
    *compliance.api_urlpatterns,
    *wallets.api_urlpatterns(is_in_use=account_use.is_in_use),
    *subscriptions.api_urlpatterns,
    *ledger.api_urlpatterns,
    *execution.api_urlpatterns,
    # The last one: what no app knows is answered in the API's own words.
    *rest.unknown_path,
]

API_ROOT: list[URLPattern | URLResolver] = [
    path("v1/", include(API_V1)),
    path("schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(template_name="rest/api_docs.html"), name="api-docs"),
    *rest.unknown_path,
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/", include(API_ROOT)),
    path("token/", include([*accounts.token_urlpatterns, *rest.unknown_path])),
    path("hooks/", include([*execution.hook_urlpatterns, *rest.unknown_path])),
    path("settings/", include(accounts.page_urlpatterns)),
    path("legal/", include(accounts.legal_urlpatterns)),
    path("kyc/", include(kyc.page_urlpatterns)),
    path("notifications/", include(notifications.page_urlpatterns)),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("", include("copytrade.pages.urls")),
    path("", include(compliance.urlpatterns)),
]
handler400 = "copytrade.pages.errors.bad_request"
handler403 = "copytrade.pages.errors.forbidden"
handler404 = "copytrade.pages.errors.not_found"
# The log-in asks for this one.
handler429 = "copytrade.pages.errors.too_many_tries"
handler500 = "copytrade.pages.errors.server_error"
