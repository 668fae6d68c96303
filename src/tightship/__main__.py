"""`python -m tightship`."""

from tightship.cli import main

if __name__ == "__main__":
    main()
