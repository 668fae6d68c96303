"""The pages as Django sees them."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "tightship.web"
    label = "web"
