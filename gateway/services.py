"""The table of services, made of their descriptions in the package `modelhub` (`modelhub.results`)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gateway import answer_schemas
from gateway.big_lists import BigList, big_list
from gateway.errors import InternalFault
from gateway.mask_forms import Renderer, in_form
from gateway.schemas import ForegroundRequest, ImageRequest, PicturesRequest, SimilarityRequest
from modelhub.kinds import FaultyOutput, Kind, Pixels, Tensors, finite, one_string
from modelhub.results import RESULTS, Result, unbatched
from vision.mask_formats import MASK_FORMATS, MaskFormat

_REQUESTS: Mapping[tuple[int, bool], type[PicturesRequest]] = {
    (1, False): ImageRequest,
    (1, True): ForegroundRequest,
    (2, False): SimilarityRequest,
}
"""By the number of pictures, and whether their URLs are what the contract documents."""


def table(outputs: Tensors, name: str) -> Any:  # noqa: ANN401 - a BigList or an array
    """Numbers in a list of lists, as many as a picture has pixels."""
    written: BigList | None = big_list(outputs[name])
    return finite(outputs, name) if written is None else written


def renderer(kind: Kind) -> Renderer:
    """Return the kind's own renderer, or one that says the same in less time."""
    return table if isinstance(kind, Pixels) else kind.render


class Service:
    """How one service's JSON and its ensemble's tensors answer each other."""

    def __init__(self, result: type[Result]) -> None:
        described = result.service
        self.name, self.summary = described.name, described.summary
        self.pictures = described.pictures
        self.batched = described.batched
        self.request = _REQUESTS[len(described.pictures), described.prefers_url]
        self.answer = answer_schemas.usual(result)
        self.answers_in_form = answer_schemas.in_forms(result)
        """What answers are where a request asks for masks in a form; nothing where an answer has no masks."""
        self._kinds = {field.name: field.kind for field in result.fields()}
        self._fields = {name: renderer(kind) for name, kind in self._kinds.items()}
        self._arrays = {name: kind.render for name, kind in self._kinds.items()}
        self._in_form = {form: self._renderers(form) for form in MASK_FORMATS.values()}

    @property
    def fields(self) -> Sequence[str]:
        """Names of the answer's own fields, in order."""
        return tuple(self._fields)

    def inputs(self, files: Sequence[bytes]) -> dict[str, Any]:
        """Return the tensors of picture files, one for each of `pictures`."""
        return {
            name: one_string(file, batched=self.batched)
            for name, file in zip(self.pictures, files, strict=True)
        }

    def render(self, outputs: Tensors, form: MaskFormat | None = None) -> dict[str, Any]:
        """Return the answer's own fields. Raises InternalFault where a number is not finite."""
        return self._rendered(outputs, self._fields if form is None else self._in_form[form])

    def arrays(self, outputs: Tensors) -> dict[str, Any]:
        """Return the same as `render` with arrays in the place of tables, to look at them in memory."""
        return self._rendered(outputs, self._arrays)

    def _renderers(self, form: MaskFormat) -> dict[str, Renderer]:
        found = {name: in_form(kind, form) for name, kind in self._kinds.items()}
        return {name: render for name, render in found.items() if render is not None}

    def _rendered(self, outputs: Tensors, fields: Mapping[str, Renderer]) -> dict[str, Any]:
        if self.batched:
            outputs = unbatched(outputs)
        try:
            return {name: render(outputs, name) for name, render in fields.items()}
        except FaultyOutput as fault:
            raise InternalFault(detail=str(fault)) from None


SERVICES: Mapping[str, Service] = MappingProxyType(
    {name: Service(result) for name, result in RESULTS.items()}
)
