"""Reports: every run is kept whole, told truly, and drawn within bounds."""
