"""Routes of the shared parts."""

from django.urls import URLPattern

api_urlpatterns: list[URLPattern] = []
unknown_path: list[URLPattern] = []
