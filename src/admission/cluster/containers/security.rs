//! Security contexts, as far as Kubernetes refuses them.

use k8s_openapi::api::core::v1::{AppArmorProfile, SeccompProfile, SecurityContext};

use super::{PlacedContainer, unknown};
use crate::{
    admission::{
        cluster::syntax::{is_descending, shown},
        rules::Told,
        subject::Subject,
    },
    finding::{FieldPath, Finding},
};

const LOCALHOST: &str = "Localhost";
const PROFILES: [&str; 3] = [LOCALHOST, "RuntimeDefault", "Unconfined"];
const SYS_ADMIN: &str = "CAP_SYS_ADMIN";
/// What the name of an `AppArmor` profile holds at most.
const PROFILE_LENGTH: usize = 4095;

pub(super) fn container_context_is_possible(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let context = placed.container.security_context.as_ref();
    let path = placed.path.child("securityContext");
    context.map_or_else(Vec::new, |context| findings(&path, context))
}

/// The same of the server and our init container.
pub(super) fn own_contexts_are_possible(subject: &Subject<'_>) -> Vec<Finding> {
    let pod = subject.spec.pod_spec.as_ref();
    let server = pod.and_then(|pod| pod.aerospike_container.as_ref()?.security_context.as_ref());
    let init = pod.and_then(|pod| {
        pod.aerospike_init_container
            .as_ref()?
            .security_context
            .as_ref()
    });
    let all = [
        ("aerospikeContainer", server),
        ("aerospikeInitContainer", init),
    ];
    let all = all
        .into_iter()
        .filter_map(|(name, context)| Some((name, context?)));
    all.flat_map(|(name, context)| {
        let path = FieldPath::spec().children(&["podSpec", name, "securityContext"]);
        findings(&path, context)
    })
    .told()
}

fn findings(path: &FieldPath, context: &SecurityContext) -> Vec<Finding> {
    let mut findings = escalation(path, context);
    findings.extend(bad_id(&path.child("runAsUser"), context.run_as_user));
    findings.extend(bad_id(&path.child("runAsGroup"), context.run_as_group));
    findings.extend(unknown(
        "POD-37",
        (path, "procMount"),
        context.proc_mount.as_deref(),
        &["Default", "Unmasked"],
    ));
    findings.extend(profiles(
        path,
        context.seccomp_profile.as_ref(),
        context.app_armor_profile.as_ref(),
    ));
    findings
}

/// What has all rights cannot be kept from gaining some.
fn escalation(path: &FieldPath, context: &SecurityContext) -> Vec<Finding> {
    if context.allow_privilege_escalation != Some(false) {
        return Vec::new();
    }
    let added = context
        .capabilities
        .iter()
        .flat_map(|capabilities| capabilities.add.iter().flatten());
    let is_admin = added.into_iter().any(|capability| capability == SYS_ADMIN);
    let reasons = [
        (context.privileged == Some(true), "privileged: true"),
        (is_admin, "capability CAP_SYS_ADMIN"),
    ];
    let path = path.child("allowPrivilegeEscalation");
    let reasons = reasons.into_iter().filter(|(holds, _)| *holds);
    reasons
        .map(|(_, reason)| {
            let message = format!("false contradicts {reason}: drop one of the two");
            Finding::invalid("POD-35", path.clone(), message)
        })
        .told()
}

/// A finding if `id` is given and none of a user or a group.
pub fn bad_id(path: &FieldPath, id: Option<i64>) -> Option<Finding> {
    let most = i64::from(i32::MAX);
    let id = id.filter(|id| !(0..=most).contains(id))?;
    Some(Finding::invalid(
        "POD-36",
        path.clone(),
        format!("{id} is no id: must be 0 to {most}"),
    ))
}

/// What is wrong with the profiles of the security context at `path`.
pub fn profiles(
    path: &FieldPath,
    seccomp: Option<&SeccompProfile>,
    app_armor: Option<&AppArmorProfile>,
) -> Vec<Finding> {
    let seccomp =
        seccomp.map(|profile| ("seccompProfile", &profile.type_, &profile.localhost_profile));
    let app_armor = app_armor.map(|profile| {
        (
            "appArmorProfile",
            &profile.type_,
            &profile.localhost_profile,
        )
    });
    let profiles = seccomp.into_iter().chain(app_armor);
    profiles
        .flat_map(|(member, kind, localhost)| {
            profile(&path.child(member), member, kind, localhost.as_deref())
        })
        .told()
}

fn profile(path: &FieldPath, member: &str, kind: &str, localhost: Option<&str>) -> Vec<Finding> {
    if kind.is_empty() {
        let message = format!("needs one of {}", PROFILES.join(", "));
        return vec![Finding::required("POD-38", path.child("type"), message)];
    }
    let place = path.child("localhostProfile");
    let message = match localhost {
        None if kind == LOCALHOST => "is needed for type Localhost".to_owned(),
        Some(_) if kind != LOCALHOST => "is for type Localhost only".to_owned(),
        Some(file) if member == "seccompProfile" && !is_descending(file) => {
            format!("{} must be relative and without '..'", shown(file))
        }
        Some(name) if member == "appArmorProfile" && !is_profile_name(name) => {
            format!("{} must be a name without spaces around it", shown(name))
        }
        _ => {
            return unknown("POD-38", (path, "type"), Some(kind), &PROFILES)
                .into_iter()
                .collect();
        }
    };
    vec![Finding::invalid("POD-38", place, message)]
}

fn is_profile_name(name: &str) -> bool {
    (1..=PROFILE_LENGTH).contains(&name.len()) && name.trim() == name
}
