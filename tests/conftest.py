"""Settings of all tests: properties are judged by what they find, never by how long they take."""

from hypothesis import settings

settings.register_profile("cornerstone", deadline=None, print_blob=True)
settings.load_profile("cornerstone")
