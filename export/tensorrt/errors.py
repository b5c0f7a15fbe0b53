"""Why there is no plan. Each message is one line: which net, what happened, what to do.

ExportError (export.errors)
└── PlanError            exit status 1
    ├── NoBuilder        3   TensorRT, or a GPU that it needs, is not there
    ├── NotExported      4   a net or a sample picture is not there
    ├── RefusedGraph     5   TensorRT cannot build this graph
    ├── UnfaithfulPlan   6   a plan computes something else than its ONNX graph
    └── NotServable      7   a config name would not serve what it promises
"""

from export.errors import ExportError


class PlanError(ExportError):
    """A plan that cannot be built, trusted or served."""


class NoBuilder(PlanError):  # noqa: N818 - the base carries the word
    """TensorRT, or a GPU that it needs, is not there."""

    exit_status = 3


class NotExported(PlanError):  # noqa: N818
    """A net, or a picture to try it on, is not there."""

    exit_status = 4


class RefusedGraph(PlanError):  # noqa: N818
    """TensorRT cannot build this graph."""

    exit_status = 5


class UnfaithfulPlan(PlanError):  # noqa: N818
    """A plan computes something else than the ONNX graph that it was built from."""

    exit_status = 6


class NotServable(PlanError):  # noqa: N818
    """Under this config name Triton would not serve what the name promises."""

    exit_status = 7
