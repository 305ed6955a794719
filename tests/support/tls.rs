//! Certificates that are made for a test, and a client that speaks TLS.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use gateway_server::net::IdentityFiles;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;

use crate::client::Client;
use crate::server::Server;

/// Who signs, and the certificate of `localhost` and 127.0.0.1 with its key: files
/// in a folder, made by openssl.
#[derive(Debug)]
pub struct Certificates {
    folder: TempDir,
    cert: String,
    key: String,
}

/// Keys, as openssl makes them.
pub const EC: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
/// The same, of the older kind.
pub const RSA: &[&str] = &["-newkey", "rsa:2048"];

impl Certificates {
    /// New ones.
    ///
    /// # Panics
    /// Without openssl.
    #[must_use]
    pub fn new() -> Self {
        Self::with(EC)
    }

    /// The same with a key of another kind.
    ///
    /// # Panics
    /// As above.
    #[must_use]
    pub fn with(kind: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name).display().to_string());
        let new = Self { folder, cert, key };
        // The system's may add what is not wanted.
        fs::write(new.path("openssl.cnf"), "[req]\ndistinguished_name = dn\n[dn]\n").expect("it is writable");
        let ca = ["-subj", "/CN=Test CA", "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", "ca.key"];
        new.request(EC, &[&ca[..], &["-out", "ca.pem"]].concat());
        new.renew(kind);
        new
    }

    /// Puts another certificate and key in the place of those there are.
    ///
    /// # Panics
    /// As above.
    pub fn renew(&self, kind: &[&str]) {
        let names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
        let leaf = ["-CA", "ca.pem", "-CAkey", "ca.key", "-subj", "/CN=localhost", "-addext", names];
        let leaf = [&leaf[..], &["-addext", "basicConstraints=critical,CA:FALSE"]].concat();
        self.request(kind, &[&leaf[..], &["-keyout", "key.pem", "-out", "cert.pem"]].concat());
    }

    fn request(&self, kind: &[&str], more: &[&str]) {
        self.openssl(&[&["req", "-x509", "-config", "openssl.cnf", "-nodes", "-days", "2"], kind, more].concat());
    }

    /// Runs openssl in the folder.
    ///
    /// # Panics
    /// When it fails.
    pub fn openssl(&self, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new("openssl").args(arguments).current_dir(self.folder.path()).output();
        let output = output.expect("openssl can be run");
        assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// A file in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text.
    #[must_use]
    pub fn file(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// As the server loads them.
    #[must_use]
    pub fn files(&self) -> IdentityFiles {
        IdentityFiles { cert: self.path("cert.pem"), key: self.path("key.pem") }
    }

    /// The server's flags, and `more` of them.
    #[must_use]
    pub fn flags<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["--tls-cert", &self.cert, "--tls-key", &self.key], more].concat()
    }

    /// The end of a client that trusts who signs, and speaks one of these versions.
    ///
    /// # Panics
    /// When the file is none of a certificate.
    #[must_use]
    pub fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConnection {
        ClientConnection::new(Arc::new(self.trusting(versions)), ServerName::try_from("localhost").expect("a name"))
            .expect("a client can be made")
    }

    /// What such clients have in common.
    ///
    /// # Panics
    /// As above.
    #[must_use]
    pub fn trusting(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&self.path("ca.pem"))).expect("a certificate that signs");
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_protocol_versions(versions).expect("a version that is spoken");
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }

    /// A client of a server that shows this certificate.
    #[must_use]
    pub fn connect(&self, server: &Server) -> Client<TlsStream> {
        self.connect_by(server, rustls::ALL_VERSIONS, std::iter::repeat(usize::MAX))
    }

    /// The same, whose bytes go out in pieces of these lengths.
    #[must_use]
    pub fn connect_by(
        &self,
        server: &Server,
        versions: &[&'static SupportedProtocolVersion],
        lengths: impl Iterator<Item = usize> + Send + 'static,
    ) -> Client<TlsStream> {
        Client::over(TlsStream::new(self.client(versions), server.connect(), lengths))
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

/// The first certificate of a file.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).expect("a certificate")
}

/// A connection that speaks TLS. An end without close_notify is an error.
pub struct TlsStream {
    /// The client's end.
    pub connection: ClientConnection,
    /// What is beneath.
    pub socket: TcpStream,
    lengths: Box<dyn Iterator<Item = usize> + Send>,
}

impl std::fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TlsStream({:?})", self.socket)
    }
}

impl TlsStream {
    /// Speaks TLS over a socket. A server that says nothing for a minute is an
    /// error, so that no test hangs.
    ///
    /// # Panics
    /// When the system refuses.
    #[must_use]
    pub fn new(
        connection: ClientConnection,
        socket: TcpStream,
        lengths: impl Iterator<Item = usize> + Send + 'static,
    ) -> Self {
        socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout can be set");
        socket.set_nodelay(true).expect("a socket takes TCP_NODELAY");
        Self { connection, socket, lengths: Box::new(lengths) }
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// What the server refuses, or the system's.
    pub fn shake(&mut self) -> io::Result<()> {
        while self.connection.is_handshaking() {
            self.push()?;
            self.pull()?;
        }
        self.push()
    }

    /// Says that nothing follows.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(&mut self) -> io::Result<()> {
        self.connection.send_close_notify();
        self.push()
    }

    /// The bytes that would go out next.
    ///
    /// # Errors
    /// None: they go to memory.
    pub fn outgoing(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut bytes)?;
        }
        Ok(bytes)
    }

    fn push(&mut self) -> io::Result<()> {
        let bytes = self.outgoing()?;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let length = self.lengths.next().unwrap_or(usize::MAX).clamp(1, rest.len());
            self.socket.write_all(&rest[..length])?;
            rest = &rest[length..];
        }
        Ok(())
    }

    /// Takes in what comes next.
    fn pull(&mut self) -> io::Result<()> {
        if self.connection.read_tls(&mut self.socket)? == 0 && self.connection.is_handshaking() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.connection
            .process_new_packets()
            .map(drop)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

impl Read for TlsStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.shake()?;
        loop {
            match self.connection.reader().read(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            self.pull()?;
            self.push()?;
        }
    }
}

impl Write for TlsStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.shake()?;
        let count = self.connection.writer().write(bytes)?;
        self.push()?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
