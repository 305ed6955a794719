//! Who is connected to whom.

/// The two ends of a connection, as CGI names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// SERVER_NAME: the listener's name or address.
    pub server_name: String,
    /// SERVER_PORT.
    pub server_port: String,
    /// REMOTE_ADDR; empty where the transport does not know it.
    pub remote_addr: String,
    /// REMOTE_PORT; empty where the transport does not know it.
    pub remote_port: String,
}

impl Endpoint {
    /// The variables that are the same for all requests of a connection.
    pub(crate) fn variables(&self) -> Vec<(&'static str, &str)> {
        let mut list = vec![("SERVER_NAME", &*self.server_name), ("SERVER_PORT", &*self.server_port)];
        if !self.remote_addr.is_empty() {
            list.push(("REMOTE_ADDR", &self.remote_addr));
            list.push(("REMOTE_PORT", &self.remote_port));
        }
        list
    }
}
