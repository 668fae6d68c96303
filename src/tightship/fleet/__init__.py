"""The words and the rules: report, found, naming, versions. Pure: no Django, no input or output."""
