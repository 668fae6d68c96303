"""The store as Django sees it."""

from django.apps import AppConfig


class StoreConfig(AppConfig):
    name = "tightship.store"
    label = "store"
    verbose_name = "What Tightship remembers"
