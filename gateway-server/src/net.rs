//! Addresses, listeners, and what accept's errors mean.
//!
//! | file | purpose |
//! |---|---|
//! | `address` | what `--bind` takes |
//! | `activation` | sockets that a service manager hands over |
//! | `listening` `owner` | how to listen, whatever the address |
//! | `listener` | a bound socket, and the connections it gives |
//! | `socket_file` | the file of a Unix socket |
//! | `bound` | where a listener is |
//! | `stream` | a connection's socket |
//! | `relay` | passes connections on to another process |
//! | `origin` | where a connection comes from |
//! | `identity` | the certificate and the key of a server that speaks TLS |
//! | `session` `secure` | TLS: a filter, and the filter on a socket |
//! | `notify` | tells a service manager how this process does |
//! | `descriptors` | how many this process may have |
//! | `endpoint` | who is connected to whom |
//! | `trusted` | whose word is taken about that |

mod activation;
mod address;
mod bound;
mod descriptors;
mod endpoint;
mod identity;
mod listener;
mod listening;
mod notify;
mod origin;
mod owner;
mod relay;
mod secure;
mod session;
mod socket_file;
mod stream;
mod trusted;

pub use activation::{UPGRADE, forget_activation};
pub use address::{Address, AddressError, Scheme, TcpAddress};
pub use bound::Bound;
pub use descriptors::raise_descriptor_limit;
pub use endpoint::{Endpoint, Local, Peer, Remote};
pub use identity::{Identity, IdentityError, IdentityFiles};
pub use listener::{AcceptError, Listener};
pub use listening::Listening;
pub use notify::Notifier;
pub use origin::Origin;
pub use owner::Owner;
pub use relay::{RELAY_FORM, Relay};
pub use secure::Secure;
pub use session::Session;
pub use stream::Stream;
pub use trusted::{Proxy, Trusted};
