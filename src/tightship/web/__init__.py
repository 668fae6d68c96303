"""Everything that answers HTTP: pages for people, and what programs read and send."""
