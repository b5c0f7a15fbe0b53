"""Pictures as files."""

import io

from PIL import Image


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    """Return a picture as a file of Pillow's format `kind`, which takes the `options`."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()
