//! Apps that come with the server. They are apps like any other: they know the
//! interface, and nothing of the server.
//!
//! | file | purpose |
//! |---|---|
//! | `site` | several apps behind one: each has its hosts and its part of the path |
//! | `files` | the files of a folder |
//! | `place` | where an app is mounted: `api.example.org/v1` |
//! | `host` | which hosts an app is for |
//! | `prefix` | which part of the path |
//! | `page` | a small answer of the server's own |
//! | `dropped` | what counts in a folder of modules |

mod dropped;
pub mod files;
mod host;
mod page;
mod place;
mod prefix;
mod site;

pub use self::dropped::dropped_name;
pub use self::host::Hosts;
pub use self::page::Page;
pub use self::place::Place;
pub use self::prefix::Prefix;
pub use self::site::Site;
