"""The bytes everything else is made of: encoding, hashes, signatures, refusals."""
