"""Scenes from the classification net: its classes that are places, renormalised."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from export.conversion import Conversion
from export.convert.classification import image_classification
from export.convert.places import PLACES
from export.surgery import set_outputs


def scene_classification(sources: Mapping[str, Path]) -> Conversion:
    """`pixels` uint8 RGB [batch, 280, 280, 3] to `probs` float32 [batch, places], which sum to 1.

    A picture that shows no place is given one all the same: the probabilities are among places only.
    """
    classification = image_classification(sources)
    model, graph = classification.model, classification.model.graph
    for node in graph.node:
        node.output[:] = ["all_probs" if name == "probs" else name for name in node.output]
    ids = np.array([place.class_id for place in PLACES], dtype=np.int64)
    graph.initializer.append(numpy_helper.from_array(ids, "place_ids"))
    graph.initializer.append(numpy_helper.from_array(np.array([1], dtype=np.int64), "class_axis"))
    graph.node.extend(
        [
            helper.make_node("Gather", ["all_probs", "place_ids"], ["place_probs"], axis=1),
            helper.make_node("ReduceSum", ["place_probs", "class_axis"], ["place_total"], keepdims=1),
            helper.make_node("Div", ["place_probs", "place_total"], ["probs"]),
        ]
    )
    set_outputs(model, probs=(TensorProto.FLOAT, ["batch", len(PLACES)]))
    graph.name = "scene_classification_net"
    labels = tuple(classification.labels[place.class_id] for place in PLACES)
    return Conversion(model, classification.settings, labels)
