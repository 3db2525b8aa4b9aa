//! What Kubernetes would refuse in the settings of the pods outside of their containers: DNS, labels, security context.

use std::{collections::BTreeSet, net::IpAddr};

use k8s_openapi::api::core::v1::{PodDNSConfig, PodSecurityContext};

use crate::{
    admission::{
        cluster::{
            containers::{
                security::{bad_id, profiles},
                unknown,
            },
            syntax::{is_label_key, is_label_value, is_subdomain, shown},
        },
        rules::{Area, Told},
        subject::Subject,
    },
    api::pod::PodSpec,
    finding::{FieldPath, Finding},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[
        context_is_possible,
        sysctls_are_named_once,
        dns_policy_is_known,
        nameservers_are_addresses,
        searches_are_domains,
        labels_are_labels,
        annotations_are_annotations,
    ],
    changes: &[],
    advice: &[],
};

/// What a resolver takes at most.
const NAMESERVERS: usize = 3;
const SEARCHES: usize = 32;
const SEARCH_LENGTH: usize = 2048;
/// What the annotations of an object hold at most, in bytes.
const ANNOTATIONS: usize = 256 << 10;
const SYSCTL_LENGTH: usize = 253;

fn pod<'a>(subject: &Subject<'a>) -> Option<&'a PodSpec> {
    subject.spec.pod_spec.as_ref()
}

fn in_pod(members: &[&str]) -> FieldPath {
    FieldPath::spec()
        .child("podSpec")
        .join(&FieldPath::default().children(members))
}

fn context_is_possible(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(context) = pod(subject).and_then(|pod| pod.security_context.as_ref()) else {
        return Vec::new();
    };
    let path = in_pod(&["securityContext"]);
    let mut findings = ids(&path, context);
    findings.extend(policies(&path, context));
    findings.extend(profiles(
        &path,
        context.seccomp_profile.as_ref(),
        context.app_armor_profile.as_ref(),
    ));
    findings
}

fn ids(path: &FieldPath, context: &PodSecurityContext) -> Vec<Finding> {
    let single = [
        ("fsGroup", context.fs_group),
        ("runAsUser", context.run_as_user),
        ("runAsGroup", context.run_as_group),
    ];
    let single = single
        .into_iter()
        .filter_map(|(member, id)| bad_id(&path.child(member), id));
    let groups = context.supplemental_groups.iter().flatten().enumerate();
    let groups = groups.filter_map(|(index, id)| {
        bad_id(&path.child("supplementalGroups").index(index), Some(*id))
    });
    single.chain(groups).told()
}

fn policies(path: &FieldPath, context: &PodSecurityContext) -> Vec<Finding> {
    let policies: [(&str, &Option<String>, &[&str]); 3] = [
        (
            "fsGroupChangePolicy",
            &context.fs_group_change_policy,
            &["Always", "OnRootMismatch"],
        ),
        (
            "supplementalGroupsPolicy",
            &context.supplemental_groups_policy,
            &["Merge", "Strict"],
        ),
        (
            "seLinuxChangePolicy",
            &context.se_linux_change_policy,
            &["MountOption", "Recursive"],
        ),
    ];
    let policies = policies.into_iter();
    policies
        .filter_map(|(member, value, known)| {
            unknown("POD-39", (path, member), value.as_deref(), known)
        })
        .told()
}

fn sysctls_are_named_once(subject: &Subject<'_>) -> Vec<Finding> {
    let context = pod(subject).and_then(|pod| pod.security_context.as_ref());
    let sysctls = context.and_then(|context| context.sysctls.as_ref());
    let mut seen = BTreeSet::new();
    let named = sysctls.into_iter().flatten().enumerate();
    let list = in_pod(&["securityContext", "sysctls"]);
    named
        .filter_map(|(index, sysctl)| {
            let name = sysctl.name.as_str();
            let path = list.item(index, name).child("name");
            if !is_sysctl(name) {
                let message = format!(
                    "{} is no name of a sysctl such as net.core.somaxconn",
                    shown(name)
                );
                return Some(Finding::invalid("POD-40", path, message));
            }
            let message = || format!("{} is set twice", shown(name));
            (!seen.insert(name)).then(|| Finding::duplicate("POD-40", path, message()))
        })
        .told()
}

fn is_sysctl(name: &str) -> bool {
    let is_outer = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_segment = |segment: &str| {
        let bytes = segment.as_bytes();
        let is_inner = |c: &u8| is_outer(*c) || matches!(c, b'-' | b'_');
        bytes.first().is_some_and(|c| is_outer(*c))
            && bytes.last().is_some_and(|c| is_outer(*c))
            && bytes.iter().all(is_inner)
    };
    name.len() <= SYSCTL_LENGTH && name.split(['.', '/']).all(is_segment)
}

fn dns_policy_is_known(subject: &Subject<'_>) -> Vec<Finding> {
    let policy = pod(subject).and_then(|pod| pod.dns_policy.as_deref());
    let policy = policy.filter(|policy| !policy.is_empty());
    let known = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    unknown("POD-41", (&in_pod(&[]), "dnsPolicy"), policy, &known)
        .into_iter()
        .told()
}

fn dns<'a>(subject: &Subject<'a>) -> Option<&'a PodDNSConfig> {
    pod(subject)?.dns_config.as_ref()
}

fn nameservers_are_addresses(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(dns) = dns(subject) else {
        return Vec::new();
    };
    let path = in_pod(&["dnsConfig", "nameservers"]);
    let servers = dns.nameservers.as_deref().unwrap_or_default();
    let mut findings = Vec::new();
    if servers.is_empty() && pod(subject).and_then(|pod| pod.dns_policy.as_deref()) == Some("None")
    {
        let message = "dnsPolicy None needs a nameserver, at least one";
        findings.push(Finding::required("POD-42", path.clone(), message));
    }
    if servers.len() > NAMESERVERS {
        let message = format!("{} are too many: at most {NAMESERVERS}", servers.len());
        findings.push(Finding::invalid("POD-42", path.clone(), message));
    }
    let names = servers
        .iter()
        .enumerate()
        .filter(|(_, server)| !is_address(server));
    let names = names.map(|(index, server)| {
        let message = format!("{} is no IP address", shown(server));
        Finding::invalid("POD-42", path.item(index, server), message)
    });
    findings.extend(names.told());
    findings
}

/// Kubernetes reads leading zeros in the numbers of an address, as older programs did.
fn is_address(text: &str) -> bool {
    let is_number = |part: &str| {
        let digits = part.trim_start_matches('0');
        !part.is_empty()
            && part.bytes().all(|c| c.is_ascii_digit())
            && (digits.is_empty() || digits.parse::<u8>().is_ok())
    };
    text.parse::<IpAddr>().is_ok()
        || (text.split('.').count() == 4 && text.split('.').all(is_number))
}

fn searches_are_domains(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(dns) = dns(subject) else {
        return Vec::new();
    };
    let path = in_pod(&["dnsConfig", "searches"]);
    let searches = dns.searches.as_deref().unwrap_or_default();
    let length: usize = searches.iter().map(|search| search.len() + 1).sum();
    let mut findings = Vec::new();
    if searches.len() > SEARCHES || length > SEARCH_LENGTH + 1 {
        let message = format!(
            "too many: at most {SEARCHES}, and {SEARCH_LENGTH} characters with the spaces between"
        );
        findings.push(Finding::invalid("POD-43", path.clone(), message));
    }
    let wrong = searches
        .iter()
        .enumerate()
        .filter(|(_, search)| !is_domain(search));
    let wrong = wrong.map(|(index, search)| {
        let message = format!("{} is no domain", shown(search));
        Finding::invalid("POD-43", path.item(index, search), message)
    });
    findings.extend(wrong.told());
    let options = dns.options.iter().flatten().enumerate();
    let nameless = options.filter(|(_, option)| option.name.as_deref().is_none_or(str::is_empty));
    let list = in_pod(&["dnsConfig", "options"]);
    let nameless = nameless.map(|(index, _)| {
        let path = list.index(index).child("name");
        Finding::required("POD-43", path, "an option needs a name")
    });
    findings.extend(nameless.told());
    findings
}

fn is_domain(search: &str) -> bool {
    let domain = search.strip_suffix('.').unwrap_or(search);
    search == "." || is_subdomain(&domain.replace('_', "x"))
}

fn labels_are_labels(subject: &Subject<'_>) -> Vec<Finding> {
    let labels = pod(subject).and_then(|pod| Some(&pod.metadata.as_ref()?.labels));
    let path = in_pod(&["metadata", "labels"]);
    let labels = labels.into_iter().flatten();
    labels
        .flat_map(|(key, value)| bad_label("POD-44", &path.map_key(key), key, value))
        .told()
}

/// What is wrong with the label at `path`.
pub(super) fn bad_label(
    code: &'static str,
    path: &FieldPath,
    key: &str,
    value: &str,
) -> Vec<Finding> {
    let key = (!is_label_key(key)).then(|| format!("{} is no key of a label: {KEY}", shown(key)));
    let value = (!is_label_value(value))
        .then(|| format!("{} is no value of a label: {VALUE}", shown(value)));
    let messages = key.into_iter().chain(value);
    messages
        .map(|message| Finding::invalid(code, path.clone(), message))
        .told()
}

/// What a label's key is.
pub(super) const KEY: &str = "at most 63 letters, digits, '-', '_' and '.', between letters or digits, with or without a DNS subdomain and '/' before";
/// What a label's value is.
pub(super) const VALUE: &str =
    "empty, or at most 63 letters, digits, '-', '_' and '.', between letters or digits";

fn annotations_are_annotations(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(annotations) = pod(subject).and_then(|pod| Some(&pod.metadata.as_ref()?.annotations))
    else {
        return Vec::new();
    };
    let path = in_pod(&["metadata", "annotations"]);
    let wrong = annotations
        .keys()
        .filter(|key| !is_label_key(&key.to_ascii_lowercase()));
    let mut findings: Vec<_> = wrong
        .map(|key| {
            Finding::invalid(
                "POD-45",
                path.map_key(key),
                format!("{} is no key of an annotation: {KEY}", shown(key)),
            )
        })
        .told();
    let size: usize = annotations
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if size > ANNOTATIONS {
        let message =
            format!("{size} bytes are too many: at most {ANNOTATIONS} in all annotations together");
        findings.push(Finding::invalid("POD-45", path, message));
    }
    findings
}

#[cfg(test)]
mod tests;
