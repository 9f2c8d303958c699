//! The sockets of the local stack.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use steelyard_runtime::Error;
use tokio::net::TcpListener;

/// The sockets of a stack, which have one port.
pub(super) struct Listeners {
    /// The address at which the stack reaches itself. The functions give it to Alipay, which takes
    /// http to a loopback address only.
    pub(super) address: SocketAddr,
    /// The sockets.
    pub(super) sockets: Vec<TcpListener>,
}

/// Listens at a port of 127.0.0.1 and of the other addresses.
///
/// # Errors
///
/// When a socket can't be opened; its address is named.
pub(super) async fn listen(port: u16, others: &[IpAddr]) -> Result<Listeners, Error> {
    let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
    // 0.0.0.0 and [::] include 127.0.0.1, which then can't be opened a second time.
    let includes_loopback = |other: &IpAddr| other.is_unspecified() || *other == loopback;
    let implied = if others.iter().any(includes_loopback) { None } else { Some(loopback) };
    let mut sockets: Vec<TcpListener> = Vec::new();
    let mut port = port;
    for address in implied.iter().chain(others) {
        let socket = open(SocketAddr::new(*address, port)).await?;
        port = socket.local_addr()?.port();
        sockets.push(socket);
    }
    Ok(Listeners { address: SocketAddr::new(loopback, port), sockets })
}

async fn open(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|error| {
        let port = address.port();
        if address.ip() == Ipv4Addr::LOCALHOST {
            format!("cannot serve port {port}: {error}; choose another with --port").into()
        } else {
            format!("cannot serve port {port} of {}: {error}", address.ip()).into()
        }
    })
}
