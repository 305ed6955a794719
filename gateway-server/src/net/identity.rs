//! Who this server is, to clients that speak TLS: its certificate and its key.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{InconsistentKeys, ServerConfig, ServerConnection};

/// What is spoken inside of TLS: clients that know more than one protocol are
/// told so (ALPN).
const PROTOCOL: &[u8] = b"http/1.1";

/// What a ticket holds at most: no client's certificate is in it.
const TICKET: usize = 512;

/// The files of a certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The server's certificate, and those of its issuers behind it, as PEM.
    pub cert: PathBuf,
    /// Its private key, as PEM: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

/// A certificate and its key, ready for use. They are read once: new files are
/// for whoever loads them next.
#[derive(Clone, Debug)]
pub struct Identity(Arc<ServerConfig>);

/// Why a certificate and a key are of no use.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// A file is damaged.
    #[error("{} is no PEM file: {error}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// The first thing that is wrong.
        error: pem::Error,
    },
    /// There is no certificate where one should be.
    #[error(
        "there is no certificate in {}: the server's stands there as PEM, and those of its issuers behind it", .0.display()
    )]
    NoCertificate(PathBuf),
    /// There is no key where one should be.
    #[error(
        "there is no private key in {}: it stands there as PEM (PKCS#8, PKCS#1 or SEC1), without a passphrase", .0.display()
    )]
    NoKey(PathBuf),
    /// The key is another certificate's.
    #[error(
        "the key in {} does not match the certificate in {}, of which the first one is the server's",
        .0.key.display(),
        .0.cert.display()
    )]
    Mismatch(IdentityFiles),
    /// The certificate or the key is of a kind that is not known, or damaged.
    #[error("the certificate in {} and the key in {} cannot be used: {error}", files.cert.display(), files.key.display())]
    Refused {
        /// Which files.
        files: IdentityFiles,
        /// What is wrong with one of them.
        error: rustls::Error,
    },
    /// The system has no random numbers.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

impl Identity {
    /// Reads the files.
    ///
    /// # Errors
    /// [`IdentityError`], which names the file.
    pub fn load(files: &IdentityFiles) -> Result<Self, IdentityError> {
        let (chain, key) = (chain(&files.cert)?, key(&files.key)?);
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(IdentityError::Setup)?;
        let config = builder.with_no_client_auth().with_single_cert(chain, key);
        let mut config = config.map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => IdentityError::Mismatch(files.clone()),
            error => IdentityError::Refused { files: files.clone(), error },
        })?;
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        // Who comes again goes on where it was, on whichever connection: nothing
        // is kept for that here.
        config.ticketer = ring::Ticketer::new().map_err(IdentityError::Setup)?;
        // It takes no ticket that is longer than all it has made. A forked child has
        // made none, and is shown those of others.
        let _ = config.ticketer.encrypt(&[0; TICKET]);
        Ok(Self(Arc::new(config)))
    }

    /// A conversation with a client that has just come.
    pub(super) fn talk(&self) -> Result<ServerConnection, rustls::Error> {
        ServerConnection::new(Arc::clone(&self.0))
    }
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(IdentityError::NoCertificate(path.to_owned())),
        Ok(chain) => Ok(chain),
        Err(error) => Err(IdentityError::Damaged { path: path.to_owned(), error }),
    }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, IdentityError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|error| match error {
        pem::Error::NoItemsFound => IdentityError::NoKey(path.to_owned()),
        error => IdentityError::Damaged { path: path.to_owned(), error },
    })
}

fn read(path: &Path) -> Result<Vec<u8>, IdentityError> {
    fs::read(path).map_err(|error| IdentityError::Unreadable { path: path.to_owned(), error })
}
