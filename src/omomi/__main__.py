"""``python -m omomi``: the same as the command ``omomi``."""

from omomi.cli import main

if __name__ == "__main__":
    main(prog_name="omomi")
