//! Where pods break the restricted level, a function a control.

use super::{baseline::DEFAULT_CAPABILITIES, pod::Pod};
use crate::admission::rules::Told;
use crate::finding::FieldPath;

/// The only capability that may be added.
const BIND_LOW_PORTS: &str = "NET_BIND_SERVICE";

pub(super) fn privilege_escalation(pod: &Pod<'_>) -> Vec<FieldPath> {
    pod.places("allowPrivilegeEscalation", |context| {
        let own = context.own.and_then(|own| own.allow_privilege_escalation);
        !context.is_pod && own != Some(false)
    })
}

pub(super) fn root_allowed(pod: &Pod<'_>) -> Vec<FieldPath> {
    let for_all = pod.context().run_as_non_root;
    pod.places("runAsNonRoot", |context| match context.run_as_non_root {
        Some(non_root) => !non_root,
        None => !context.is_pod && for_all != Some(true),
    })
}

pub(super) fn root_users(pod: &Pod<'_>) -> Vec<FieldPath> {
    pod.places("runAsUser", |context| context.run_as_user == Some(0))
}

pub(super) fn missing_seccomp(pod: &Pod<'_>) -> Vec<FieldPath> {
    let for_all = pod.context().seccomp.is_some();
    pod.places("seccompProfile", |context| {
        !context.is_pod && !for_all && context.seccomp.is_none()
    })
}

/// What is added beyond the default is told by the control about that.
pub(super) fn kept_capabilities(pod: &Pod<'_>) -> Vec<FieldPath> {
    let breaches = pod.contexts().filter(|context| {
        let capabilities = context.own.and_then(|own| own.capabilities.as_ref());
        let dropped = capabilities.and_then(|capabilities| capabilities.drop.as_deref());
        let all = dropped.unwrap_or_default().iter().any(|name| name == "ALL");
        !context.is_pod && !all
    });
    let added = pod
        .added_capabilities(|name| DEFAULT_CAPABILITIES.contains(&name) && name != BIND_LOW_PORTS);
    breaches
        .map(|context| context.path.children(&["capabilities", "drop"]))
        .chain(added)
        .told()
}
