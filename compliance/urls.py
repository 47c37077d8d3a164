"""Routes of this app."""

from django.urls import URLPattern, path

from compliance.api import AuditExportView, AuditView
from compliance.views import audit_page

api_urlpatterns: list[URLPattern] = [
    path("audit/", AuditView.as_view(), name="api-audit"),
    path("audit/export", AuditExportView.as_view(), name="api-audit-export"),
]
urlpatterns: list[URLPattern] = [path("audit/", audit_page, name="audit")]
