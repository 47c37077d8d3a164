"""Routes of this app."""

from django.urls import URLPattern, path

from accounts.api import IssueTokenView, MeView, RevokeTokenView, TokensView

api_urlpatterns: list[URLPattern] = [
    path("tokens/", TokensView.as_view(), name="api-tokens"),
    path("me/", MeView.as_view(), name="api-me"),
]
token_urlpatterns: list[URLPattern] = [
    path("issue", IssueTokenView.as_view(), name="token-issue"),
    path("revoke", RevokeTokenView.as_view(), name="token-revoke"),
]
