//! An authority of a test's own, and what it certifies.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use tempfile::TempDir;

/// Files with the certificates of an authority, of a server at 127.0.0.1 and of a client: the
/// certificates in `authority.pem`, `server.pem` and `client.pem`, the keys in `server.key` and
/// `client.key`.
#[derive(Debug)]
pub struct Certificates(TempDir);

impl Certificates {
    /// An authority that nobody has heard of yet.
    ///
    /// # Panics
    ///
    /// If the files cannot be written.
    #[must_use]
    pub fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let mut params = params("authority", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        write(directory.path(), "authority.pem", &authority.pem());
        for (name, purpose) in [
            ("server", ExtendedKeyUsagePurpose::ServerAuth),
            ("client", ExtendedKeyUsagePurpose::ClientAuth),
        ] {
            let key = KeyPair::generate().unwrap();
            let mut params = self::params(name, &["127.0.0.1"]);
            params.extended_key_usages = vec![purpose];
            let certificate = params.signed_by(&key, &authority).unwrap();
            write(directory.path(), &format!("{name}.pem"), &certificate.pem());
            write(
                directory.path(),
                &format!("{name}.key"),
                &key.serialize_pem(),
            );
        }
        Self(directory)
    }

    /// What stands in a file.
    ///
    /// # Panics
    ///
    /// If there is no such file.
    #[must_use]
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

fn params(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn write(directory: &Path, name: &str, contents: &str) {
    fs::write(directory.join(name), contents).unwrap();
}
