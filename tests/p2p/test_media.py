"""Media types by file name."""

from pathlib import PurePath

import pytest

from p2p.media import media_type


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.json", "application/json"),
        ("A.JSON", "application/json"),
        ("a.jsonld", "application/ld+json"),
        ("a.xml", "application/xml"),
        ("stops.csv", "text/csv"),
        ("stops.txt", "text/plain"),
        ("a.tar.gz", "application/octet-stream"),
        ("a", "application/octet-stream"),
        ("a.no-such-type", "application/octet-stream"),
    ],
)
def test_media_type(name: str, expected: str) -> None:
    assert media_type(PurePath(name)) == expected
