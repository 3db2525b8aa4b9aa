//! Who is who in the cluster: its certificate authority, the certificates of servers, the tokens of clients.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use serde_json::{Value, json};

use crate::addresses::{API_PORT, API_SERVICE, CONTROL_PLANE};
use crate::digest;
use crate::node::{NODES, Node};

/// Names and addresses under which pods, nodes and users call the API server.
const API_NAMES: [&str; 5] = [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
];

/// The files of identities, in the state folder.
#[derive(Clone, Debug)]
pub struct Identities {
    state: PathBuf,
    kubeconfig: PathBuf,
}

impl Identities {
    /// Makes all identities, unless they are there.
    ///
    /// # Errors
    /// If a file could not be written.
    pub fn ensure(state: &Path) -> Result<Self> {
        let identities = Self {
            state: state.to_owned(),
            kubeconfig: state.join("kubeconfig"),
        };
        if !identities.kubeconfig().exists() {
            identities
                .make()
                .context("the identities of the cluster could not be made")?;
        }
        Ok(identities)
    }

    /// The certificate authority's certificate.
    #[must_use]
    pub fn authority(&self) -> String {
        self.file("ca.crt")
    }

    /// The user's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The kubeconfig of a node.
    #[must_use]
    pub fn kubeconfig_of(&self, node: &Node) -> String {
        self.file(&format!("{}.kubeconfig", node.name()))
    }

    /// One of the files of this folder.
    #[must_use]
    pub fn file(&self, name: &str) -> String {
        self.state.join(name).to_string_lossy().into_owned()
    }

    /// The user's kubeconfig comes last: when it is there, everything is.
    fn make(&self) -> Result<()> {
        self.certificates()?;
        self.service_account_key()?;
        let admin = token()?;
        let mut tokens = vec![format!("{admin},admin,admin,\"system:masters\"\n")];
        for node in &NODES {
            let (name, token) = (node.name(), token()?);
            tokens.push(format!(
                "{token},system:node:{name},{name},\"system:nodes\"\n"
            ));
            self.write(&format!("{name}.kubeconfig"), &self.config(&token))?;
        }
        self.write("tokens.csv", &tokens.concat())?;
        self.write("kubeconfig", &self.config(&admin))
    }

    fn certificates(&self) -> Result<()> {
        let authority = CertifiedIssuer::self_signed(authority(), KeyPair::generate()?)?;
        self.write("ca.crt", &authority.pem())?;
        let server = (server()?, "apiserver");
        let client = (client(), "kubelet-client");
        for (params, name) in [server, client] {
            let key = KeyPair::generate()?;
            let certificate = params.signed_by(&key, &authority)?;
            self.write(&format!("{name}.crt"), &certificate.pem())?;
            self.write(&format!("{name}.key"), &key.serialize_pem())?;
        }
        Ok(())
    }

    fn service_account_key(&self) -> Result<()> {
        let key = KeyPair::generate()?;
        self.write("service-accounts.key", &key.serialize_pem())?;
        self.write("service-accounts.pub", &key.public_key_pem())
    }

    fn config(&self, token: &str) -> String {
        format!("{:#}\n", kubeconfig(&self.authority(), token))
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.state.join(name);
        let _ = fs::remove_file(&path);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(text.as_bytes())?;
        Ok(fs::set_permissions(path, Permissions::from_mode(0o600))?)
    }
}

/// JSON is YAML too.
fn kubeconfig(authority: &str, token: &str) -> Value {
    let name = "aerospike-operator-test";
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {
            "server": format!("https://{CONTROL_PLANE}:{API_PORT}"),
            "certificate-authority": authority,
        }}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    })
}

fn authority() -> CertificateParams {
    let mut params = named("aerospike-operator-test-ca");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    params
}

fn server() -> Result<CertificateParams> {
    let addresses = [CONTROL_PLANE, API_SERVICE].map(|address| address.to_string());
    let names = API_NAMES.map(str::to_owned).into_iter().chain(addresses);
    let mut params = CertificateParams::new(names.collect::<Vec<_>>())?;
    params.distinguished_name = named("kube-apiserver").distinguished_name;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// As whom the API server asks a kubelet for logs, or to run something in a container.
fn client() -> CertificateParams {
    let mut params = named("kube-apiserver-kubelet-client");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn token() -> Result<String> {
    let mut bytes = [0; 32];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(digest::hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_made_once_and_nobody_else_may_read_them() {
        let state = tempfile::tempdir().unwrap();
        let identities = Identities::ensure(state.path()).unwrap();
        let first = fs::read(identities.kubeconfig()).unwrap();
        Identities::ensure(state.path()).unwrap();
        assert_eq!(fs::read(identities.kubeconfig()).unwrap(), first);
        for entry in fs::read_dir(state.path()).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
    }

    #[test]
    fn the_user_verifies_the_api_server() {
        let config = kubeconfig("/state/ca.crt", "secret");
        let cluster =
            json!({"server": "https://172.30.0.1:6443", "certificate-authority": "/state/ca.crt"});
        assert_eq!(config["clusters"][0]["cluster"], cluster);
    }
}
