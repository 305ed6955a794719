//! The flags that say how to listen.

use std::path::PathBuf;

use clap::{ArgAction, Args, value_parser};

use crate::net::{Address, IdentityFiles, Listening, Owner, Scheme};

/// How to listen, whatever the address.
#[derive(Debug, Args)]
#[command(next_help_heading = "Listening")]
pub(super) struct ListenFlags {
    /// How many clients may wait to be accepted; the system has a limit of its own
    #[arg(long, value_name = "N", default_value = "4096", value_parser = value_parser!(i32).range(1..=65535))]
    backlog: i32,

    /// The permissions of Unix sockets, as for chmod [default: what the umask leaves]
    #[arg(long, value_name = "MODE", value_parser = mode)]
    socket_mode: Option<u32>,

    /// Whose the files of Unix sockets are: USER, USER:GROUP or :GROUP; another user needs root
    #[arg(long, value_name = "OWNER")]
    socket_owner: Option<Owner>,

    /// Whether the files of Unix sockets are removed at the end: --vacuum=false leaves them
    #[arg(long, value_name = "WHETHER", action = ArgAction::Set, num_args = 0..=1, require_equals = true)]
    #[arg(default_value_t = true, default_missing_value = "true")]
    vacuum: bool,

    /// Speak TLS at TCP addresses, but those with http://: the server's certificate, and its issuers' behind it, as PEM
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert, as PEM: PKCS#8, PKCS#1 or SEC1, without a passphrase
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
}

impl ListenFlags {
    /// As listeners take it.
    pub(super) fn check(&self) -> Listening {
        Listening {
            backlog: self.backlog,
            mode: self.socket_mode,
            owner: self.socket_owner,
            vacuum: self.vacuum,
            tls: self.tls_cert.is_some(),
        }
    }

    /// The certificate and its key, where TLS is spoken. Nobody may believe to
    /// speak it and not do so.
    pub(super) fn identity(self, addresses: &[Address]) -> Result<Option<IdentityFiles>, String> {
        let is_secure =
            |address: &&Address| matches!(address, Address::Tcp(tcp) if tcp.scheme() == Some(Scheme::Https));
        match (self.tls_cert, self.tls_key) {
            (Some(cert), Some(key)) => Ok(Some(IdentityFiles { cert, key })),
            (Some(_), None) => Err("--tls-cert is of no use without its key: give --tls-key too".to_owned()),
            (None, Some(_)) => Err("--tls-key is of no use without its certificate: give --tls-cert too".to_owned()),
            (None, None) => match addresses.iter().find(is_secure) {
                Some(address) => Err(format!(
                    "--bind {address}: TLS needs a certificate and its key: give --tls-cert FILE and --tls-key FILE"
                )),
                None => Ok(None),
            },
        }
    }
}

fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| "write it as 0660: three octal digits, for owner, group and others".to_owned())
}
