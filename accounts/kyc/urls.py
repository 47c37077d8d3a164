"""Routes of identity checks."""

from django.urls import URLPattern, path

from accounts.kyc import views
from accounts.kyc.api import KycDetailsView, KycDocumentsView, KycView

api_urlpatterns: list[URLPattern] = [
    path("kyc/", KycView.as_view(), name="api-kyc"),
    path("kyc/details/", KycDetailsView.as_view(), name="api-kyc-details"),
    path("kyc/documents/", KycDocumentsView.as_view(), name="api-kyc-documents"),
]
page_urlpatterns: list[URLPattern] = [
    path("", views.kyc_page, name="kyc"),
    path("documents/", views.send_document, name="kyc_send"),
    path("documents/<uuid:public_id>/", views.own_document, name="kyc_own_document"),
    path("details/", views.give_details, name="kyc_details"),
    path("files/<str:token>/", views.kyc_file, name="kyc_file"),
]
