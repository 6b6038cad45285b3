"""A studio worker as a process: `python -m trunkline.studio FD`, where FD is an inherited Unix socket that keeps message bounds.

SIGTERM ends it as the end of its link does: either way its recordings are complete.
"""

import signal

from trunkline.media.inherited import inherit, run
from trunkline.studio.worker import Worker


def main() -> None:
    """Serve the link named on the command line."""
    worker = Worker(inherit())
    signal.signal(signal.SIGTERM, lambda number, frame: worker.stop())
    run(worker)


if __name__ == "__main__":
    main()
