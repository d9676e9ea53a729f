"""The media type of a file by its name: the formats of our sectors first, then the usual ones."""

import mimetypes
from pathlib import PurePath

KNOWN = {
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".xml": "application/xml",
    ".csv": "text/csv",
    ".txt": "text/plain",
    ".pdf": "application/pdf",
}
"""Fixed here because the operating system's table differs between machines."""
UNKNOWN = "application/octet-stream"


def media_type(path: PurePath) -> str:
    """The type by extension, application/octet-stream when it says nothing."""
    known = KNOWN.get(path.suffix.lower())
    if known is not None:
        return known
    guessed, encoding = mimetypes.guess_type(path.name, strict=True)
    if guessed is None or encoding is not None:
        return UNKNOWN
    return guessed.lower()
