"""Routes of this app."""

from django.urls import URLPattern, path

from accounts import legal_pages, token_pages
from accounts.api import IssueTokenView, MeView, RevokeTokenView, TokensView
from accounts.kyc import urls as kyc
from accounts.notifications import urls as notifications

api_urlpatterns: list[URLPattern] = [
    path("tokens/", TokensView.as_view(), name="api-tokens"),
    path("me/", MeView.as_view(), name="api-me"),
    *kyc.api_urlpatterns,
    *notifications.api_urlpatterns,
]
token_urlpatterns: list[URLPattern] = [
    path("issue", IssueTokenView.as_view(), name="token-issue"),
    path("revoke", RevokeTokenView.as_view(), name="token-revoke"),
]
page_urlpatterns: list[URLPattern] = [
    path("tokens/", token_pages.tokens_page, name="tokens"),
    path("tokens/revoke-all/", token_pages.revoke_all, name="tokens_revoke_all"),
    path("tokens/<uuid:public_id>/revoke/", token_pages.revoke, name="token_page_revoke"),
]
legal_urlpatterns: list[URLPattern] = [
    path("accept/", legal_pages.accept, name="legal_accept"),
    path("<str:document>/", legal_pages.legal_page, name="legal"),
    path("<str:document>/<str:version>/", legal_pages.legal_page, name="legal_version"),
]
