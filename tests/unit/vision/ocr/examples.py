"""Settings for tests: the real ones, with bounds that a few lines of text reach."""

from msgspec.structs import replace

from export.convert import ocr_settings

DETECTION = ocr_settings.DETECTION
ANGLE = replace(ocr_settings.ANGLE, max_lines=4)
RECOGNITION = replace(ocr_settings.RECOGNITION, max_lines=4, max_columns=1600)
