"""Routes of this app."""

from django.urls import URLPattern, path

from accounts.api import IssueTokenView, MeView, RevokeTokenView, TokensView
from accounts.kyc import urls as kyc

api_urlpatterns: list[URLPattern] = [
    path("tokens/", TokensView.as_view(), name="api-tokens"),
    path("me/", MeView.as_view(), name="api-me"),
    *kyc.api_urlpatterns,
]
token_urlpatterns: list[URLPattern] = [
    path("issue", IssueTokenView.as_view(), name="token-issue"),
    path("revoke", RevokeTokenView.as_view(), name="token-revoke"),
]
