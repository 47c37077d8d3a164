"""Routes of the shared parts."""

from django.urls import URLPattern, path, re_path

from rest.views import CodesView, UnknownPathView

api_urlpatterns: list[URLPattern] = [path("codes/", CodesView.as_view(), name="api-codes")]
unknown_path: list[URLPattern] = [re_path("", UnknownPathView.as_view())]
