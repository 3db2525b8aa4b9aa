//! What the operator's replicas wrote, as the API server noted it: which pod, what, and when.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::Cluster;
use crate::install::NAMESPACE;

/// Verbs that change something.
const WRITES: [&str; 5] = ["create", "update", "patch", "delete", "deletecollection"];
/// Who made a request, where it came with a token of a pod.
const POD: &str = "authentication.kubernetes.io/pod-name";
/// Logs of this size, in megabytes, are replaced.
const LARGEST: u32 = 50;

/// A request that changed something, or tried to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The pod whose token it came with.
    pub pod: String,
    /// What was to be done.
    pub verb: String,
    /// With what.
    pub uri: String,
    /// The API server's time when it came, in RFC 3339 with microseconds.
    pub at: String,
}

/// Writes the API server's policy: the operator's writes are noted without their content, and nothing else is.
///
/// # Errors
/// If the file could not be written.
pub fn prepare(state: &Path) -> Result<()> {
    fs::write(policy(state), rules().to_string()).context("the audit policy could not be written")
}

/// The flags with which the API server notes it.
#[must_use]
pub fn flags(state: &Path) -> Vec<String> {
    vec![
        format!("--audit-policy-file={}", policy(state).display()),
        format!("--audit-log-path={}", log(state).display()),
        format!("--audit-log-maxsize={LARGEST}"),
        "--audit-log-maxbackup=1".into(),
    ]
}

/// Where the policy is.
#[must_use]
pub fn policy(state: &Path) -> PathBuf {
    state.join("audit-policy.json")
}

/// What was noted about the operator's replicas so far.
///
/// # Errors
/// If the log cannot be read.
pub fn writes(cluster: &Cluster) -> Result<Vec<Write>> {
    let path = log(cluster.state());
    let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    // The last line may be on its way.
    let events = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    Ok(events.filter_map(|event: Value| write(&event)).collect())
}

fn log(state: &Path) -> PathBuf {
    state.join("audit.log")
}

fn rules() -> Value {
    let group = format!("system:serviceaccounts:{NAMESPACE}");
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata", "userGroups": [group], "verbs": WRITES}, {"level": "None"}],
    })
}

fn write(event: &Value) -> Option<Write> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some(Write {
        pod: text(&event["user"]["extra"][POD][0])?,
        verb: text(&event["verb"])?,
        uri: text(&event["requestURI"])?,
        at: text(&event["requestReceivedTimestamp"])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_that_of_a_pod() {
        let event = json!({
            "verb": "patch",
            "requestURI": "/api/v1/namespaces/n/services/s",
            "user": {"username": "system:serviceaccount:aerospike:x", "extra": {POD: ["operator-1"]}},
            "requestReceivedTimestamp": "2026-11-24T17:00:00.000001Z",
        });
        let expected = Write {
            pod: "operator-1".into(),
            verb: "patch".into(),
            uri: "/api/v1/namespaces/n/services/s".into(),
            at: "2026-11-24T17:00:00.000001Z".into(),
        };
        assert_eq!(write(&event), Some(expected));
        assert_eq!(write(&json!({"verb": "patch"})), None);
    }
}
