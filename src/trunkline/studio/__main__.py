"""A studio worker as a process: `python -m trunkline.studio FD`, where FD is an inherited Unix socket that keeps message bounds.

It ends when that socket closes, so it cannot outlive the signalling process, however that one ends. SIGTERM ends it too; either way its
recordings are complete.
"""

import gc
import resource
import signal
import socket
import sys

from trunkline.studio.worker import Worker


def main() -> None:
    """Serve the link named on the command line."""
    # Ctrl-C reaches the whole process group; calls in progress are signalling's to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    worker = Worker(socket.socket(fileno=int(sys.argv[1])))
    signal.signal(signal.SIGTERM, lambda number, frame: worker.stop())
    gc.collect()
    gc.freeze()
    worker.run()


if __name__ == "__main__":
    main()
