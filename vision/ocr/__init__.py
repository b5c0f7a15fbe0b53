"""OCR in three nets: detection of text regions, upside-down lines, recognition of characters.

The rules are RapidOCR's (https://github.com/RapidAI/RapidOCR, Apache-2.0), rewritten without OpenCV. Corners
are (x, y) inside this package and (y, x) in the answer.
"""
