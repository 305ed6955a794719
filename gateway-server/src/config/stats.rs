//! The flags about figures for operators.

use std::path::PathBuf;

use clap::Args;

use crate::net::{Address, Listening, Scheme, TcpAddress};

/// What the server tells about itself.
#[derive(Debug, Args)]
#[command(next_help_heading = "Stats")]
pub(super) struct StatsFlags {
    /// Tell operators how the server does, at an address of its own: a page, /stats, /metrics, /live, /ready; as for --bind, but only 127.0.0.1, [::1], localhost or unix: without a token
    #[arg(long, value_name = "ADDR")]
    stats: Option<Address>,

    /// Tell only those who know what is in FILE, at least 16 characters, as a bearer token or as the password of any user; /live and /ready tell everybody
    #[arg(long, value_name = "FILE")]
    stats_token_file: Option<PathBuf>,
}

/// Where figures are told, and to whom.
#[derive(Clone, Debug)]
pub struct Stats {
    /// Where.
    pub address: Address,
    /// How to listen there.
    pub listening: Listening,
    /// Where the token is that who asks has to know.
    pub token_file: Option<PathBuf>,
    /// Whether only browsers of this machine can reach it, by one of its names.
    pub is_local: bool,
}

impl StatsFlags {
    /// As the program takes it.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(super) fn check(self, addresses: &[Address], has_master: bool) -> Result<Option<Stats>, String> {
        let (address, token_file) = match (self.stats, self.stats_token_file) {
            (None, None) => return Ok(None),
            (None, Some(_)) => return Err("--stats-token-file belongs to --stats, which is not given".to_owned()),
            (Some(address), token_file) => (address, token_file),
        };
        if !has_master {
            return Err(format!(
                "--stats {address} needs a master, whose process it is that answers also while all workers are busy: \
                 leave --no-master out"
            ));
        }
        if !address.takes_a_free_port() && addresses.iter().any(|other| other.place() == address.place()) {
            return Err(format!("--stats {address} is an address of --bind: figures have one of their own"));
        }
        let is_local = match &address {
            Address::Unix(_) => false,
            Address::Tcp(tcp) if tcp.scheme() == Some(Scheme::Https) => {
                return Err(format!(
                    "--stats {address}: figures are told without TLS: write http://, and encrypt the way"
                ));
            }
            Address::Tcp(tcp) => check_reach(tcp, token_file.is_some())?,
            Address::Descriptor(_) | Address::Systemd | Address::Front(..) => {
                return Err(format!("--stats {address}: give an address with a port, or unix: with a path"));
            }
        };
        // Only root and who runs the server.
        let listening = Listening { mode: Some(0o600), backlog: 64, ..Listening::default() };
        Ok(Some(Stats { address, listening, token_file, is_local }))
    }
}

/// Whether the address is one of this machine alone; where others reach it, they have to
/// know something.
fn check_reach(address: &TcpAddress, has_token: bool) -> Result<bool, String> {
    let is_local = address.is_loopback();
    if is_local || has_token {
        return Ok(is_local);
    }
    Err(format!(
        "--stats {address} is not for this machine alone, and figures are for operators: give 127.0.0.1, [::1], \
         localhost or unix:/path, or a token with --stats-token-file FILE"
    ))
}
