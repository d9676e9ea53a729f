"""Making blocks: at the start of our slot under authority, in small bites under proof of work.

Rules:
- A block is proposed once a slot at most; the ledger's guard, written before sealing, holds over
  restarts. *Why:* two blocks in one slot are evidence against their author.
- Nothing is proposed while blocks above the head are wanted and coming, nor in the first
  SETTLE_S after start unless a peer is connected or there is nobody to wait for. *Why:* a block
  on a stale head is work for everybody and wins nothing.
- Work is searched MINE_NONCES at a time with pauses of MINE_PAUSE_S. *Why:* the loop must answer
  peers within milliseconds, and a laboratory of many miners shares two cores.
"""
