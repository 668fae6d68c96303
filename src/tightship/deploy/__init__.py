"""Declared and found -> plan (pure) -> carried out (thin). Still empty."""
