"""What is left of a run, and how it is told: the folder, the story, JSON, JUnit, and a page.

A run is kept in a folder (folder) that anyone can be sent. Everything else is drawn from the
outcome it holds: the story of the first failure (story), the object scripts read (json), the file
CI servers read (junit), where two runs part (diff), and one self-contained page (page) whose
drawings are lanes, blocktree, curves and cities. Nothing here runs a network or knows a clock.
"""
