"""Text that people can read as it stands: nothing in it is invisible or turns it around.

The code points refused are listed here. *Why not Python's `isprintable`:* it also refuses what its
Unicode version has no name for, and each Python has another version; nodes on two of them would
disagree about a document with a newer letter, and so about the block it is in.
"""

import re

# Controls; spaces other than U+0020; soft hyphen; marks of direction, width and joining; private
# use; tags. All of them stay what they are in every version of Unicode.
_HIDDEN = re.compile(
    r"[\x00-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000"
    r"\ud800-\uf8ff\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e00ff\U000f0000-\U0010ffff]"
)


def is_printable(text: str) -> bool:
    """Whether all of a text shows."""
    return _HIDDEN.search(text) is None
