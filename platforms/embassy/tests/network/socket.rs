//! The socket as the traits of `embedded-nal-async` want it.

use crate::wire::{ROOM, address, any, run};
use coracle_embassy::Error;
use embedded_nal_async::{AddrType, ConnectedUdp, Dns, UdpStack, UnconnectedUdp};

#[test]
fn datagrams_go_both_ways_and_tell_where_they_come_from() {
    run(|first, second, _| async move {
        let (mut client, mut server) = (
            (&first).bind_multiple(any(0)).await.unwrap(),
            (&second).bind_multiple(any(5683)).await.unwrap(),
        );
        client.send(any(0), address(2, 5683), b"ping").await.unwrap();
        let mut buffer = [0; ROOM];
        let (length, local, remote) = server.receive_into(&mut buffer).await.unwrap();
        assert_eq!(
            (&buffer[..length], local, remote.ip()),
            (&b"ping"[..], address(2, 5683), address(1, 0).ip())
        );
        assert_eq!(remote.port(), client.local().port());
        server.send(local, remote, b"pong").await.unwrap();
        let (length, _, remote) = client.receive_into(&mut buffer).await.unwrap();
        assert_eq!((&buffer[..length], remote), (&b"pong"[..], address(2, 5683)));
    });
}

#[test]
fn a_datagram_that_is_too_long_is_dropped_and_the_next_one_taken() {
    run(|first, second, _| async move {
        let (mut client, mut server) = (
            (&first).bind_multiple(any(0)).await.unwrap(),
            (&second).bind_multiple(any(5683)).await.unwrap(),
        );
        client.send(any(0), address(2, 5683), &[7; 9]).await.unwrap();
        client.send(any(0), address(2, 5683), &[8; 8]).await.unwrap();
        let mut buffer = [0; 8];
        let (length, ..) = server.receive_into(&mut buffer).await.unwrap();
        assert_eq!((length, buffer), (8, [8; 8]));
        let too_long = client.send(any(0), address(2, 5683), &[0; ROOM + 1]).await;
        assert_eq!(too_long, Err(Error::TooLong));
    });
}

#[test]
fn it_is_bound_once_at_a_time_and_again_when_that_is_over() {
    run(|first, _, _| async move {
        let bound = (&first).bind_single(any(5683)).await.unwrap();
        assert_eq!(bound.0.port(), 5683);
        assert_eq!((&first).bind_multiple(any(0)).await.map(|_| ()), Err(Error::InUse));
        drop(bound);
        let (local, _bound) = (&first).bind_single(any(5684)).await.unwrap();
        assert_eq!(local.port(), 5684);
    });
}

#[test]
fn a_connected_socket_hears_its_peer_alone() {
    run(|first, second, _| async move {
        let (_, mut client) = (&first).connect_from(any(4000), address(2, 5683)).await.unwrap();
        let mut stranger = (&second).bind_multiple(any(9)).await.unwrap();
        stranger.send(any(9), address(1, 4000), b"stranger").await.unwrap();
        drop(stranger);
        let mut server = (&second).bind_multiple(any(5683)).await.unwrap();
        client.send(b"hello").await.unwrap();
        let mut buffer = [0; ROOM];
        let (_, local, remote) = server.receive_into(&mut buffer).await.unwrap();
        server.send(local, remote, b"peer").await.unwrap();
        let length = client.receive_into(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..length], b"peer");
    });
}

#[test]
fn a_neighbour_that_does_not_answer_stops_nobody_for_ever() {
    run(|first, _, cut| async move {
        cut.set(true);
        let mut client = (&first).bind_multiple(any(0)).await.unwrap();
        // The first waits in the buffer for the neighbour's hardware address; there is no room for the second.
        client.send(any(0), address(2, 5683), &[0; ROOM]).await.unwrap();
        assert_eq!(client.send(any(0), address(2, 5683), &[0; ROOM]).await, Err(Error::Stalled));
    });
}

#[test]
fn addresses_of_another_family_have_no_route() {
    run(|first, _, _| async move {
        let mut client = (&first).bind_multiple(any(0)).await.unwrap();
        let remote = "[2001:db8::1]:5683".parse().unwrap();
        if cfg!(not(feature = "proto-ipv6")) {
            assert_eq!(client.send(any(0), remote, b"x").await, Err(Error::NoRoute));
        }
        let host = (&first).get_host_by_name("192.0.2.7", AddrType::IPv4).await;
        assert_eq!(host, Ok(address(7, 0).ip()));
        if cfg!(not(feature = "dns")) {
            let name = (&first).get_host_by_name("leshan.example", AddrType::IPv4).await;
            assert_eq!(name, Err(Error::NotSupported));
        }
    });
}

/// Answers queries for leshan.example with 192.0.2.77, and all others with "no such name".
#[cfg(feature = "dns")]
async fn resolver(network: &coracle_embassy::Network<'_>) {
    const NO_SUCH_NAME: u8 = 3;
    let mut socket = network.bind_multiple(any(53)).await.unwrap();
    let mut query = [0; ROOM];
    loop {
        let (length, local, remote) = socket.receive_into(&mut query).await.unwrap();
        let is_known = query[..length].windows(15).any(|part| part == b"\x06leshan\x07example");
        let mut answer = query[..length].to_vec();
        answer[2] |= 0x80; // an answer
        answer[3] = 0x80; // recursion is there
        if is_known {
            answer[7] = 1; // one record
            // The name of the question, A, IN, 60 s, four bytes.
            answer.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 77]);
        } else {
            answer[3] |= NO_SUCH_NAME;
        }
        socket.send(local, remote, &answer).await.unwrap();
    }
}

#[cfg(feature = "dns")]
#[test]
fn names_are_looked_up() {
    use embassy_futures::select::{Either, select};
    run(|first, second, _| async move {
        let network = &first;
        let look_ups = async {
            let host = network.get_host_by_name("leshan.example", AddrType::IPv4).await;
            assert_eq!(host, Ok(address(77, 0).ip()));
            let unknown = network.get_host_by_name("nowhere.example", AddrType::IPv4).await;
            assert_eq!(unknown, Err(Error::UnknownHost));
            let reverse = network.get_host_by_address(address(77, 0).ip(), &mut []).await;
            assert_eq!(reverse, Err(Error::NotSupported));
        };
        assert!(matches!(select(look_ups, resolver(&second)).await, Either::First(())));
    });
}
