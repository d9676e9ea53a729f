"""A reserved port refuses while its node is down and lets the node listen."""

import socket

import pytest

from testnet.ports import HOST, PortReservations


def listen(port: int) -> socket.socket:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((HOST, port))
    server.listen()
    return server


def test_reserved_refused_served_and_refused_again() -> None:
    ports = PortReservations()
    port = ports.reserve("n1/p2p")
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, port))
        with listen(port), socket.create_connection((HOST, port)):
            pass
    ports.close()


def test_the_same_key_keeps_its_port_and_a_wanted_one_is_taken_when_free() -> None:
    first, second = PortReservations(), PortReservations()
    port = first.reserve("n1/p2p")
    assert first.reserve("n1/p2p") == port
    first.release("n1/p2p")
    assert second.reserve("n1/p2p", wanted=port) == port
    second.close()


def test_a_wanted_port_that_is_served_by_another_is_replaced() -> None:
    ports = PortReservations()
    with listen(0) as other:
        taken = int(other.getsockname()[1])
        assert ports.reserve("n1/api", wanted=taken) not in (0, taken)
    ports.close()
