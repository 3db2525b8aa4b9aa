//! Certificates that the operator uses to talk to the servers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Certificates that the operator uses to talk to the servers; exactly one source is set.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperatorClientCert {
    /// Name that the servers know the operator's certificate by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_name: Option<String>,

    /// From Secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_cert_source: Option<SecretCertSource>,

    /// From the operator's file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_path_in_operator: Option<CertPathInOperator>,
}

/// Certificates from Secrets.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretCertSource {
    /// A Secret whose every value is a certificate authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certs_source: Option<CaCertsSource>,

    /// The Secret.
    pub secret_name: String,

    /// Its namespace; deprecated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_namespace: Option<String>,

    /// Key of the certificate authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certs_filename: Option<String>,

    /// Key of the client certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cert_filename: Option<String>,

    /// Key of the client certificate's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key_filename: Option<String>,
}

/// A Secret whose every value is a certificate authority.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaCertsSource {
    /// The Secret.
    pub secret_name: String,

    /// Its namespace; deprecated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_namespace: Option<String>,
}

/// Certificates from the operator's file system.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertPathInOperator {
    /// File or folder of the certificate authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certs_path: Option<String>,

    /// File of the client certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cert_path: Option<String>,

    /// File of the client certificate's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key_path: Option<String>,
}
