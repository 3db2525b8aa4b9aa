//! Environment variables of containers. Values are never shown: they may be passwords.

use k8s_openapi::api::core::v1::{EnvFromSource, EnvVar, EnvVarSource};

use super::PlacedContainer;
use crate::{
    admission::{
        cluster::syntax::{is_data_key, is_label_key, is_subdomain, is_variable_name, shown},
        rules::Told,
    },
    finding::{FieldPath, Finding},
};

/// Fields of a pod that a variable may show.
const POD_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// Requests and limits that a variable may show.
const RESOURCES: [&str; 4] = ["cpu", "memory", "ephemeral-storage", "hugepages-"];

fn variables<'a>(
    placed: &PlacedContainer<'a>,
) -> impl Iterator<Item = (FieldPath, &'a EnvVar)> + use<'a> {
    let list = placed.path.child("env");
    let variables = placed.container.env.iter().flatten().enumerate();
    variables.map(move |(index, variable)| (list.item(index, &variable.name), variable))
}

pub(super) fn variables_have_names(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let wrong = variables(placed).filter(|(_, variable)| !is_variable_name(&variable.name));
    wrong
        .map(|(path, variable)| {
            let message = format!(
                "{} is no name of a variable: printable ASCII characters without '='",
                shown(&variable.name)
            );
            Finding::invalid("POD-17", path.child("name"), message)
        })
        .told()
}

pub(super) fn variables_have_one_source(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    variables(placed)
        .flat_map(|(path, variable)| {
            let source = variable.value_from.as_ref();
            source.map_or_else(Vec::new, |source| {
                wrong_source(path.child("valueFrom"), variable, source)
            })
        })
        .told()
}

fn wrong_source(path: FieldPath, variable: &EnvVar, source: &EnvVarSource) -> Vec<Finding> {
    let value = variable.value.as_deref();
    let has_value = value.is_some_and(|value| !value.is_empty());
    let message = match sources(source) {
        0 => "needs one of fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef",
        _ if has_value => "must not be there beside a value: keep one of the two",
        1 => return incomplete(&path, source),
        _ => "must have one source, and there are several",
    };
    vec![Finding::invalid("POD-18", path, message)]
}

fn sources(source: &EnvVarSource) -> usize {
    [
        source.config_map_key_ref.is_some(),
        source.field_ref.is_some(),
        source.file_key_ref.is_some(),
        source.resource_field_ref.is_some(),
        source.secret_key_ref.is_some(),
    ]
    .into_iter()
    .filter(|given| *given)
    .count()
}

fn incomplete(path: &FieldPath, source: &EnvVarSource) -> Vec<Finding> {
    let config_map = source
        .config_map_key_ref
        .as_ref()
        .map(|of| ("configMapKeyRef", &of.name, &of.key));
    let secret = source
        .secret_key_ref
        .as_ref()
        .map(|of| ("secretKeyRef", &of.name, &of.key));
    let mut findings = Vec::new();
    for (kind, name, key) in config_map.into_iter().chain(secret) {
        let path = path.child(kind);
        findings.extend(bad_name("POD-18", &path, name));
        if !is_data_key(key) {
            let message = format!(
                "{} is no key: letters, digits, '-', '_' and '.'",
                shown(key)
            );
            findings.push(Finding::invalid("POD-18", path.child("key"), message));
        }
    }
    let field = source
        .field_ref
        .as_ref()
        .filter(|of| !is_pod_field(&of.field_path));
    findings.extend(field.map(|of| {
        let message = format!(
            "{} cannot be shown: use one of {}, metadata.labels['KEY'], metadata.annotations['KEY']",
            shown(&of.field_path),
            POD_FIELDS.join(", ")
        );
        Finding::invalid("POD-18", path.children(&["fieldRef", "fieldPath"]), message)
    }));
    let resource = source
        .resource_field_ref
        .as_ref()
        .filter(|of| !is_resource(&of.resource));
    findings.extend(resource.map(|of| {
        let message = format!(
            "{} cannot be shown: limits or requests of cpu, memory, ephemeral-storage, hugepages-*",
            shown(&of.resource)
        );
        Finding::invalid(
            "POD-18",
            path.children(&["resourceFieldRef", "resource"]),
            message,
        )
    }));
    findings
}

fn bad_name(code: &'static str, path: &FieldPath, name: &str) -> Option<Finding> {
    let path = path.child("name");
    if name.is_empty() {
        return Some(Finding::required(
            code,
            path,
            "needs the name of what it refers to",
        ));
    }
    (!is_subdomain(name)).then(|| {
        let message = format!("{} is no name of a ConfigMap or Secret", shown(name));
        Finding::invalid(code, path, message)
    })
}

fn is_pod_field(path: &str) -> bool {
    let keyed = path
        .strip_suffix("']")
        .and_then(|path| path.split_once("['"));
    match keyed {
        Some(("metadata.labels", key)) => is_label_key(key),
        Some(("metadata.annotations", key)) => is_label_key(&key.to_ascii_lowercase()),
        Some(_) => false,
        // The older name of `spec.nodeName` is understood too.
        None => POD_FIELDS.contains(&path) || path == "spec.host",
    }
}

fn is_resource(resource: &str) -> bool {
    let rest = resource
        .strip_prefix("limits.")
        .or_else(|| resource.strip_prefix("requests."));
    rest.is_some_and(|rest| {
        RESOURCES
            .iter()
            .any(|known| *known == rest || (known.ends_with('-') && rest.starts_with(known)))
    })
}

pub(super) fn sources_of_variables_are_known(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let list = placed.path.child("envFrom");
    let sources = placed.container.env_from.iter().flatten().enumerate();
    sources
        .flat_map(|(index, source)| unknown_source(&list.index(index), source))
        .told()
}

fn unknown_source(path: &FieldPath, source: &EnvFromSource) -> Vec<Finding> {
    let prefix = source.prefix.as_deref().filter(|prefix| !prefix.is_empty());
    let prefix = prefix.filter(|prefix| !is_variable_name(prefix));
    let prefix = prefix.map(|prefix| {
        let message = format!("{} cannot begin the name of a variable", shown(prefix));
        Finding::invalid("POD-19", path.child("prefix"), message)
    });
    let source = match (&source.config_map_ref, &source.secret_ref) {
        (Some(of), None) => bad_name("POD-19", &path.child("configMapRef"), &of.name),
        (None, Some(of)) => bad_name("POD-19", &path.child("secretRef"), &of.name),
        _ => {
            let message = "must have one of configMapRef and secretRef";
            Some(Finding::invalid("POD-19", path.clone(), message))
        }
    };
    prefix.into_iter().chain(source).collect()
}
