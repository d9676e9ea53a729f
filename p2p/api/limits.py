"""Everything an API client can make grow, with its maximum and why that number."""

from chain.past import BLOCKS_UNDONE_MAX
from chain.transactions.envelope import TRANSACTION_BYTES_MAX

BATCH_TRANSACTIONS_MAX = 5_000
"""Half a full block: verified in a third of a second on one core, so others are not held up."""
BATCH_BYTES_MAX = 8 * 1024 * 1024
"""5,000 transactions of 1.6 KB; a batch of larger ones is sent in several requests."""
BATCH_COMMAS_MAX = 4 * BATCH_TRANSACTIONS_MAX
"""In a batch in JSON: one between two transactions, and some for what else a client says of each.
Millions of empty lists and objects took a second to read before anybody could count them."""
TRANSACTION_TEXT_MAX = 2 * TRANSACTION_BYTES_MAX
"""One transaction in hexadecimal, the longest of the accepted notations."""
WAIT_S_MAX = 60.0
"""Proxies cut silent requests at about a minute; a client asks again."""
WAITERS_MAX = 1_000
"""Each is a task and an open connection, some 30 KB: 30 MB when all are taken."""
SUBSCRIBERS_MAX = 64
"""Each holds a queue of events (see p2p.subscription.EVENTS_MAX): 100 MB when all are stuck."""
BLOCKS_PAGE_MAX = 100
"""Summaries in one page; their blocks are read from the store, 12 to 40 ms each when full."""
BLOCKS_PAGE = 20
RESULTS_STEP = 500
"""Results of a block's transactions read at a time, 5 ms; a full block has 20 times as many."""
UNDO_STEPS_MAX = 2 * BLOCKS_UNDONE_MAX
"""Blocks put back for one receipt of the state, others going on after each; so a head that moves
once on the way is no reason to be turned away."""
HISTORY_PAGE_MAX = 200
HISTORY_PAGE = 50
"""Index entries, a few hundred microseconds a page."""
HANDOVERS_PAGE = 16
"""Handovers in one answer: 64 KB of text with seven authorities, 2.4 MB with two hundred."""
PATH_TEXT_MAX = 512
"""Longest text of an identifier in a URL; the longest real one is under 200."""
BATCHES_MAX = 4
"""Batches read and checked at the same time; further ones wait their turn unread. 32 MB at worst,
and verification uses two threads anyway."""
BODY_TIMEOUT_S = 10.0
"""A client that cannot send its body in this time must not hold one of the turns."""
EVENT_KINDS_TEXT_MAX = 512
"""All kinds of events named one after the other take half of this."""
CONNECTIONS_MAX = 2_000
"""Twice those that may wait for inclusion; 60 MB when all are taken."""
ERROR_TEXT_MAX = 400
"""Of what a library says of a connection: it may quote the client, and is logged each time."""
