//! The certificate by which servers know the operator: that there is one where they ask for it, and where it may come from.

use std::path::{Component, Path};

use serde_json::Value;

use crate::{
    admission::{
        rules::{Area, Told},
        subject::Subject,
    },
    api::{
        Tree,
        client_cert::{CertPathInOperator, OperatorClientCert, SecretCertSource},
    },
    finding::{FieldPath, Finding, Warning, shortened},
    resolve::Settings,
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[
        a_certificate_is_given,
        a_listed_client_has_a_name,
        certificates_have_one_source,
        certificates_come_with_keys,
        authorities_have_one_source,
        a_source_holds_a_client_certificate,
        secrets_have_names,
        secrets_are_in_allowed_namespaces,
        files_are_in_the_allowed_folder,
    ],
    changes: &[],
    advice: &[secrets_are_in_the_own_namespace],
};

/// Characters of a user's text that a message repeats.
const TOLD: usize = 100;

/// Whether servers ask clients for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// They do not.
    Off,
    /// Any that an authority signed will do.
    Any,
    /// It must have one of the listed names.
    Names,
}

impl ClientAuthentication {
    /// As configured; none where servers have no TLS for clients.
    #[must_use]
    pub fn of(config: &Tree) -> Option<Self> {
        Some(match service(config)?.get("tls-authenticate-client")? {
            Value::Bool(false) => Self::Off,
            Value::String(word) if word == "false" => Self::Off,
            Value::Array(_) => Self::Names,
            _ => Self::Any,
        })
    }
}

fn service(config: &Tree) -> Option<&Tree> {
    config.get("network")?.get("service")?.as_object()
}

/// By which clients know the servers, if they have TLS.
#[must_use]
pub fn tls_name(config: &Tree) -> Option<&str> {
    let name = service(config)?.get("tls-name")?.as_str()?;
    (!name.is_empty()).then_some(name)
}

/// Whether a cluster in namespace `own` may name Secrets of namespace `named`.
#[must_use]
pub fn is_allowed_namespace(settings: &Settings, own: &str, named: &str) -> bool {
    named == own || settings.secret_namespaces.contains(named)
}

/// Whether a cluster may name this file or folder of the operator, as far as the text tells. What lies there is another
/// question: links may lead out of the allowed folder.
#[must_use]
pub fn is_allowed_path(settings: &Settings, path: &str) -> bool {
    let path = Path::new(path);
    let climbs = path.components().any(|part| part == Component::ParentDir);
    let folder = settings.client_cert_dir.as_deref();
    path.is_absolute() && !climbs && folder.is_some_and(|folder| path.starts_with(folder))
}

fn path() -> FieldPath {
    FieldPath::spec().child("operatorClientCert")
}

fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// What is asked of clients, where servers do ask for a certificate.
fn asked(subject: &Subject<'_>) -> Option<ClientAuthentication> {
    let asked = ClientAuthentication::of(&subject.spec.aerospike_config);
    asked.filter(|asked| *asked != ClientAuthentication::Off)
}

/// The operator's certificate, where servers ask for one.
fn needed<'a>(subject: &Subject<'a>) -> Option<&'a OperatorClientCert> {
    asked(subject)?;
    subject.spec.operator_client_cert.as_ref()
}

fn a_certificate_is_given(subject: &Subject<'_>) -> Vec<Finding> {
    if asked(subject).is_none() || subject.spec.operator_client_cert.is_some() {
        return Vec::new();
    }
    vec![Finding::required(
        "CERT-01",
        path(),
        "operator client cert is not specified, and servers ask for one: name a Secret with a certificate and its key, or set \
         tls-authenticate-client to \"false\"",
    )]
}

fn a_listed_client_has_a_name(subject: &Subject<'_>) -> Vec<Finding> {
    let listed = asked(subject) == Some(ClientAuthentication::Names);
    let Some(cert) = needed(subject).filter(|_| listed) else {
        return Vec::new();
    };
    if given(cert.tls_client_name.as_ref()).is_some() {
        return Vec::new();
    }
    vec![Finding::required(
        "CERT-02",
        path().child("tlsClientName"),
        "tlsClientName is not specified: tls-authenticate-client is a list of names, and the operator's must be in it",
    )]
}

fn certificates_have_one_source(subject: &Subject<'_>) -> Vec<Finding> {
    let sources = |cert: &OperatorClientCert| {
        cert.secret_cert_source.is_some() != cert.cert_path_in_operator.is_some()
    };
    if needed(subject).is_none_or(sources) {
        return Vec::new();
    }
    vec![Finding::invalid(
        "CERT-03",
        path(),
        "either `secretCertSource` or `certPathInOperator` must be set in `operatorClientCertSpec` but not both",
    )]
}

fn secret_source<'a>(subject: &Subject<'a>) -> Option<&'a SecretCertSource> {
    needed(subject)?.secret_cert_source.as_ref()
}

fn file_source<'a>(subject: &Subject<'a>) -> Option<&'a CertPathInOperator> {
    needed(subject)?.cert_path_in_operator.as_ref()
}

fn certificates_come_with_keys(subject: &Subject<'_>) -> Vec<Finding> {
    let of_secret = secret_source(subject).filter(|source| {
        given(source.client_cert_filename.as_ref()).is_some()
            != given(source.client_key_filename.as_ref()).is_some()
    });
    let of_file = file_source(subject).filter(|source| {
        given(source.client_cert_path.as_ref()).is_some()
            != given(source.client_key_path.as_ref()).is_some()
    });
    let of_secret = of_secret.map(|_| {
        Finding::invalid(
            "CERT-04",
            path().child("secretCertSource"),
            "both `clientCertFilename` and `clientKeyFilename` should be either set or not set in `secretCertSource`",
        )
    });
    let of_file = of_file.map(|_| {
        Finding::invalid(
            "CERT-06",
            path().child("certPathInOperator"),
            "both `clientCertPath` and `clientKeyPath` should be either set or not set in `certPathInOperator`",
        )
    });
    of_secret.into_iter().chain(of_file).told()
}

fn authorities_have_one_source(subject: &Subject<'_>) -> Vec<Finding> {
    let twice = secret_source(subject).is_some_and(|source| {
        given(source.ca_certs_filename.as_ref()).is_some() && source.ca_certs_source.is_some()
    });
    if !twice {
        return Vec::new();
    }
    vec![Finding::invalid(
        "CERT-05",
        path().child("secretCertSource"),
        "both `caCertsFilename` or `caCertsSource` cannot be set in `secretCertSource`: leave one out",
    )]
}

/// Silent where there is half a pair, or not one source.
fn a_source_holds_a_client_certificate(subject: &Subject<'_>) -> Vec<Finding> {
    let is_empty =
        |parts: [&Option<String>; 2]| parts.into_iter().all(|part| given(part.as_ref()).is_none());
    let empty = match (secret_source(subject), file_source(subject)) {
        (Some(source), None) => {
            is_empty([&source.client_cert_filename, &source.client_key_filename])
        }
        (None, Some(source)) => is_empty([&source.client_cert_path, &source.client_key_path]),
        _ => false,
    };
    if !empty {
        return Vec::new();
    }
    vec![Finding::required(
        "CERT-07",
        path(),
        "a client certificate is not configured, and servers ask for one: give certificate and key, as clientCertFilename and \
         clientKeyFilename or as clientCertPath and clientKeyPath",
    )]
}

/// A Secret that is named, whether it is used or not.
struct NamedSecret<'a> {
    path: FieldPath,
    name: &'a str,
    namespace: Option<&'a str>,
    /// Of the warning about the namespace.
    code: &'static str,
}

fn named_secrets<'a>(subject: &Subject<'a>) -> Vec<NamedSecret<'a>> {
    let cert = subject.spec.operator_client_cert.as_ref();
    let Some(source) = cert.and_then(|cert| cert.secret_cert_source.as_ref()) else {
        return Vec::new();
    };
    let place = path().child("secretCertSource");
    let authorities = source.ca_certs_source.as_ref().map(|source| NamedSecret {
        path: place.child("caCertsSource"),
        name: &source.secret_name,
        namespace: given(source.secret_namespace.as_ref()),
        code: "W-06",
    });
    let own = NamedSecret {
        path: place,
        name: &source.secret_name,
        namespace: given(source.secret_namespace.as_ref()),
        code: "W-05",
    };
    std::iter::once(own).chain(authorities).collect()
}

fn secrets_have_names(subject: &Subject<'_>) -> Vec<Finding> {
    let secrets = named_secrets(subject).into_iter();
    secrets
        .filter(|secret| secret.name.is_empty())
        .map(|secret| {
            Finding::required(
                "CRD-13",
                secret.path.child("secretName"),
                "secretName is missing: name the Secret that holds the certificates",
            )
        })
        .told()
}

/// Silent where a file does not say in which namespace the cluster is.
fn secrets_are_in_allowed_namespaces(subject: &Subject<'_>) -> Vec<Finding> {
    let own = subject.namespace;
    let foreign = named_secrets(subject).into_iter().filter_map(|secret| {
        let namespace = secret.namespace?;
        let allowed = own.is_empty() || is_allowed_namespace(subject.settings, own, namespace);
        (!allowed).then(|| (secret.path.child("secretNamespace"), namespace))
    });
    foreign
        .map(|(path, namespace)| {
            Finding::forbidden(
                "CERT-08",
                path,
                format!(
                    "the operator does not read Secrets of namespace {:?} for clusters of namespace {own:?}: put the Secret \
                     into {own:?}, or have the namespace listed in the operator's --allow-secret-namespaces",
                    shortened(namespace, TOLD)
                ),
            )
        })
        .told()
}

fn secrets_are_in_the_own_namespace(subject: &Subject<'_>) -> Vec<Warning> {
    let secrets = named_secrets(subject).into_iter();
    secrets
        .filter(|secret| secret.namespace.is_some())
        .map(|secret| Warning {
            code: secret.code,
            path: secret.path.child("secretNamespace"),
            message: "secretNamespace is deprecated and will be refused: keep the Secret in the cluster's own namespace and \
                      leave this out"
                .to_owned(),
        })
        .told()
}

fn files_are_in_the_allowed_folder(subject: &Subject<'_>) -> Vec<Finding> {
    let cert = subject.spec.operator_client_cert.as_ref();
    let Some(source) = cert.and_then(|cert| cert.cert_path_in_operator.as_ref()) else {
        return Vec::new();
    };
    let named = [
        ("caCertsPath", &source.ca_certs_path),
        ("clientCertPath", &source.client_cert_path),
        ("clientKeyPath", &source.client_key_path),
    ];
    let outside = named.into_iter().filter_map(|(member, file)| {
        let file = given(file.as_ref())?;
        (!is_allowed_path(subject.settings, file)).then_some((member, file))
    });
    outside
        .map(|(member, file)| {
            Finding::forbidden(
                "CERT-09",
                path().child("certPathInOperator").child(member),
                format!(
                    "the operator does not read {:?} for clusters: {}",
                    shortened(file, TOLD),
                    readable(subject.settings)
                ),
            )
        })
        .told()
}

/// What the operator does read of its own files.
fn readable(settings: &Settings) -> String {
    match &settings.client_cert_dir {
        Some(folder) => format!("name a file below {}, without `..`", folder.display()),
        None => "it runs without --client-cert-dir, so that no file of its own may be named; use secretCertSource".to_owned(),
    }
}

#[cfg(test)]
mod tests;
