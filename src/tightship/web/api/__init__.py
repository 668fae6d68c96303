"""The API, version 1: the listings and single things as JSON under /api/1, described by OpenAPI.

`things` are the models of single things, `described` the document, `cursor` how pages follow one
another, `answers` the views.
"""
