"""Receipts: files that prove, to whoever has the genesis and nothing else, what is final.

`steps` names what is verified and in which order; `finality` is the part every receipt ends with (a
final header, its certificate, the handovers that lead to the set that signed it); `transaction` and
`state` are the two receipts, each with its bytes and its verification; `making` takes them from a
ledger; `cose` exports one as a COSE receipt (RFC 9942) for tools that know nothing of us.
"""
