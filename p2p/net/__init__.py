"""How bytes reach a peer: transports, the Noise channel over them, the connection on top."""
