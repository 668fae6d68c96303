"""What went wrong, in words that a log can hold."""


def reason(error):
    """Why an OSError came, in words."""
    return plain((error.strerror or str(error) or type(error).__name__).lower())


def plain(text):
    """What others said, harmless in a log, in 200 characters."""
    return "".join(one if " " <= one <= "~" else "?" for one in str(text))[:200]
