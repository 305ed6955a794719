//! Opens `path:app`.
#![allow(unsafe_code)]
