//! Proxies before a server.

use super::Server;
use crate::exchange::Proxies;

impl Server {
    /// Whose word is taken about who a client is; nobody's where this is not called.
    ///
    /// ```
    /// use gateway_server::exchange::Proxies;
    /// use gateway_server::net::Proxy;
    /// use gateway_server::protocol::forwarded::Style;
    /// # use gateway_server::Server;
    /// # use gateway_spec::prelude::*;
    /// # let app = app_fn(|_, _| Err(Error::app("never called")));
    /// let trusted = [Proxy::Unix, "10.0.0.0/8".parse()?].into_iter().collect();
    /// let forwarded = Some(Style::XForwarded);
    /// let proxies = Proxies { trusted: std::sync::Arc::new(trusted), forwarded, ..Proxies::default() };
    /// let server = Server::new(app).proxies(proxies);
    /// # Ok::<(), String>(())
    /// ```
    #[must_use]
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }
}
