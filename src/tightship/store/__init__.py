"""Remembers: record(report), found at a moment, changes. The only models and migrations."""
