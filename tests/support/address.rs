//! Addresses for programs that cannot say which one they took.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// An address of loopback that no other test comes to have. Its port is free; the program
/// binds it later, and by then a free port of 127.0.0.1 could be somebody else's.
///
/// # Panics
/// When the system has none.
#[must_use]
pub fn own() -> SocketAddr {
    static COUNT: AtomicU8 = AtomicU8::new(0);
    let [.., high, low] = std::process::id().to_be_bytes();
    let host = Ipv4Addr::new(127, high | 0x80, low, COUNT.fetch_add(1, Relaxed).clamp(1, 254));
    let listener = TcpListener::bind((host, 0)).expect("loopback has a free port");
    listener.local_addr().expect("a listener has an address")
}
