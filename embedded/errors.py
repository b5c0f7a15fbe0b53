"""What keeps the system from starting; each message is one line that says what to do.

StartError
├── WrongSetting       an environment variable has a value that cannot be
├── NotInstalled       a part of the environment is missing (Triton's wheel, libpython)
├── NotExported        a net of the repository has no model yet
├── SeededNets         a net of the repository has random weights, which nobody asked for
├── PortTaken          another program listens on one of our ports
├── SharedMemoryFull   /dev/shm has no room for the stubs
├── ModelFailed        Triton refused a model
└── ProcessDied        Triton or the gateway ended, or did not come up in time
"""


class StartError(RuntimeError):
    """The system cannot start or go on; the message says what to do."""


class WrongSetting(StartError):  # noqa: N818 - the base carries the word
    """An environment variable has a value that cannot be."""


class NotInstalled(StartError):  # noqa: N818
    """A part of the environment is missing."""


class NotExported(StartError):  # noqa: N818
    """A net of the repository has no model yet."""


class SeededNets(StartError):  # noqa: N818
    """A net of the repository has random weights, and nobody asked to have it served."""


class PortTaken(StartError):  # noqa: N818
    """Another program listens on one of our ports."""


class SharedMemoryFull(StartError):  # noqa: N818
    """/dev/shm has no room for the stubs."""


class ModelFailed(StartError):  # noqa: N818
    """Triton refused a model."""


class ProcessDied(StartError):  # noqa: N818
    """Triton or the gateway ended, or did not come up in time."""
