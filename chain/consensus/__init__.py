"""Who may extend the chain, and which chain counts: two engines behind one interface.

`authority` gives each slot to one authority, and the longest chain counts; `work` lets anyone
search for a proof of work, and the chain with the most work counts. `headertree` holds the blocks
that were accepted, whichever chain they are on.
"""
