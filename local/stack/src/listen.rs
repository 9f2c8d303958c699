//! The sockets of the local stack.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use steelyard_runtime::Error;
use tokio::net::TcpListener;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The sockets of a stack, which have one port.
pub(super) struct Listeners {
    /// The address at which the stack reaches itself. The functions give it to Alipay, which takes
    /// http to a loopback address only.
    pub(super) address: SocketAddr,
    /// One socket for each address.
    pub(super) sockets: Vec<TcpListener>,
}

impl Listeners {
    /// Those of a stack that is not served. Nobody listens at its address.
    pub(super) fn none() -> Listeners {
        Listeners { address: SocketAddr::new(LOOPBACK, 0), sockets: Vec::new() }
    }
}

/// Listens at a port of 127.0.0.1 and of the other addresses.
///
/// # Errors
///
/// When a socket can't be opened; its address is named.
pub(super) async fn listen(port: u16, others: &[IpAddr]) -> Result<Listeners, Error> {
    let mut sockets: Vec<TcpListener> = Vec::new();
    let mut port = port;
    for address in addresses(others) {
        let socket = open(SocketAddr::new(address, port)).await?;
        port = socket.local_addr()?.port();
        sockets.push(socket);
    }
    Ok(Listeners { address: SocketAddr::new(LOOPBACK, port), sockets })
}

/// The addresses to listen at, each once: 127.0.0.1 and the others.
fn addresses(others: &[IpAddr]) -> Vec<IpAddr> {
    // 0.0.0.0 and [::] include 127.0.0.1, which then can't be opened a second time.
    let implied = if others.iter().any(IpAddr::is_unspecified) { None } else { Some(LOOPBACK) };
    let mut addresses = Vec::new();
    for address in implied.iter().chain(others) {
        if !addresses.contains(address) {
            addresses.push(*address);
        }
    }
    addresses
}

async fn open(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|error| {
        let port = address.port();
        if address.ip() == LOOPBACK {
            format!("cannot serve port {port}: {error}; choose another with --port").into()
        } else {
            format!("cannot serve port {port} of {}: {error}", address.ip()).into()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_listened_at_once_whatever_else_is() {
        for (others, expected) in [
            (&[][..], &["127.0.0.1"][..]),
            (&["127.0.0.1"], &["127.0.0.1"]),
            (&["172.17.0.1"], &["127.0.0.1", "172.17.0.1"]),
            (&["172.17.0.1", "::1", "172.17.0.1"], &["127.0.0.1", "172.17.0.1", "::1"]),
            (&["0.0.0.0"], &["0.0.0.0"]),
            (&["::"], &["::"]),
        ] {
            let parsed = |texts: &[&str]| -> Vec<IpAddr> {
                texts.iter().map(|text| text.parse().unwrap()).collect()
            };
            assert_eq!(addresses(&parsed(others)), parsed(expected), "{others:?}");
        }
    }

    #[tokio::test]
    async fn sockets_have_one_port_and_a_taken_one_is_named() {
        let Listeners { address, sockets } = listen(0, &[LOOPBACK]).await.unwrap();
        let [socket] = &sockets[..] else { panic!("{sockets:?}") };
        assert_eq!(socket.local_addr().unwrap(), address);
        let refused = listen(address.port(), &[]).await.err().unwrap().to_string();
        assert!(
            refused.starts_with(&format!("cannot serve port {}: ", address.port())),
            "{refused}"
        );
        assert!(refused.ends_with("; choose another with --port"), "{refused}");
    }
}
