"""The way in, of `trunkline` and of `python -m trunkline`.

Loading a command takes longer than most commands do; whoever presses Ctrl-C meanwhile gets the prompt back, as at any later moment.
"""

import sys

INTERRUPTED = 130
"128 and the number of SIGINT, as a shell says it."


def main() -> None:
    try:
        from trunkline.cli import app

        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
