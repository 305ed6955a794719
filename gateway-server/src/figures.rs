//! How the server does, for operators: an ordinary app, over what all processes show in
//! shared memory. It is served by a process of its own, which has nothing else to do.
//!
//! | file | purpose |
//! |---|---|
//! | `source` | where all is read from |
//! | `reading` | what is read at one time |
//! | `history` | how it was in the last minutes |
//! | `json` | a reading as JSON |
//! | `metrics` | a reading for Prometheus |
//! | `gate` | who may know |
//! | `app` | the app |
//! | `page/` | the page, as browsers get it |

mod app;
mod gate;
mod history;
mod json;
mod metrics;
mod reading;
mod source;

pub use self::app::Figures;
pub use self::gate::Gate;
pub use self::source::Source;
