"""A relay worker as a process: `python -m trunkline.media.relay FD`, where FD is an inherited Unix socket that keeps message bounds."""

from trunkline.media.inherited import inherit, run
from trunkline.media.relay.worker import Worker


def main() -> None:
    """Serve the link named on the command line."""
    run(Worker(inherit()))


if __name__ == "__main__":
    main()
