//! Several apps behind one: each has its hosts and its part of the path.

use std::fmt;
use std::sync::Arc;

use gateway_spec::{App, AppFlags, Body, Environ, Result, StartResponse};

use super::host::bare;
use super::{Hosts, Page, Place, Prefix};

/// Several apps behind one. Who is for a request's host and for the longest
/// part of its path answers it, and sees that part in SCRIPT_NAME, the rest in
/// PATH_INFO; nobody: 404.
///
/// A host that is named is served by its own apps only: what none of them is
/// for goes to nobody, and not to those that are for any host.
///
/// ```
/// use std::sync::Arc;
/// use gateway_server::service::Site;
/// use gateway_spec::prelude::*;
/// use gateway_spec::testing::TestClient;
///
/// let app: Arc<dyn App> = Arc::new(app_fn(|environ, start_response| {
///     start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
///     let (mount, path) = (environ.script_name().to_vec(), environ.path_info().to_vec());
///     Ok(Body::from([&mount[..], b" ", &path[..]].concat()))
/// }));
/// let site = TestClient::new(Site::new([("/shop".parse()?, app)]));
/// assert_eq!(site.get("/shop/cart").send().text(), "/shop /cart");
/// assert_eq!(site.get("/shopping").send().status, Status::NOT_FOUND);
/// # Ok::<(), String>(())
/// ```
pub struct Site {
    /// In the order in which they are asked.
    groups: Vec<Group>,
}

/// The apps of some hosts.
struct Group {
    hosts: Hosts,
    /// The longest prefix first.
    apps: Vec<(Prefix, Arc<dyn App>)>,
}

impl Site {
    /// Apps, each at its place. Of two at the same place the first one serves.
    #[must_use]
    pub fn new(apps: impl IntoIterator<Item = (Place, Arc<dyn App>)>) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for (place, app) in apps {
            let known = groups.iter().position(|group| group.hosts == place.hosts);
            let at = known.unwrap_or_else(|| {
                groups.push(Group { hosts: place.hosts, apps: Vec::new() });
                groups.len() - 1
            });
            groups[at].apps.push((place.prefix, app));
        }
        groups.sort_by_key(|group| group.hosts.rank());
        for group in &mut groups {
            group.apps.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.as_str().len()));
        }
        Self { groups }
    }

    /// Who answers a request, and where it is mounted.
    fn find(&self, environ: &Environ<'_>) -> Option<(&Prefix, &dyn App)> {
        let apps = &self.group(environ)?.apps;
        let path = environ.path_info();
        let (prefix, app) = apps.iter().find(|(prefix, _)| prefix.rest(path).is_some())?;
        Some((prefix, &**app))
    }

    fn group(&self, environ: &Environ<'_>) -> Option<&Group> {
        // Nobody asks for a host that does not matter.
        if let [group @ Group { hosts: Hosts::Any, .. }] = &self.groups[..] {
            return Some(group);
        }
        let host = environ.get("HTTP_HOST").unwrap_or_default();
        let host = bare(&host);
        self.groups.iter().find(|group| group.hosts.have(host))
    }

    fn apps(&self) -> impl Iterator<Item = &Arc<dyn App>> {
        self.groups.iter().flat_map(|group| group.apps.iter().map(|(_, app)| app))
    }
}

impl App for Site {
    fn call<'r>(&'r self, mut environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        let Some((prefix, app)) = self.find(&environ) else {
            return Page::NOTHING.call(environ, start_response);
        };
        if !prefix.is_root() {
            environ.enter(prefix.as_str().len());
        }
        app.call(environ, start_response)
    }

    fn shutdown(&self) {
        self.apps().for_each(|app| app.shutdown());
    }

    /// What all of them can, and what one of them must not.
    fn flags(&self) -> AppFlags {
        let all = |flag| self.apps().all(|app| app.flags().has(flag));
        let any = |flag| self.apps().any(|app| app.flags().has(flag));
        let flags = [
            (AppFlags::CONCURRENT, all(AppFlags::CONCURRENT)),
            (AppFlags::STREAMS_INPUT, all(AppFlags::STREAMS_INPUT)),
            (AppFlags::NO_SUSPEND, any(AppFlags::NO_SUSPEND)),
        ];
        flags.iter().filter(|(_, set)| *set).fold(AppFlags::from_bits(0), |flags, (flag, _)| flags.with(*flag))
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self
            .groups
            .iter()
            .flat_map(|Group { hosts, apps }| apps.iter().map(move |(prefix, _)| format!("{hosts}{prefix}")));
        f.debug_list().entries(places).finish()
    }
}
