//! Who the pod is: the environment that the operator gives to the init container.

use thiserror::Error;

use crate::resources::names::POD_SPEC_HASH_VARIABLE;

/// A variable is missing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the environment variable {0} is missing: the operator sets it on the container aerospike-init"
)]
pub struct Missing(pub &'static str);

/// Who the pod is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// `MY_POD_NAME`
    pub pod: String,
    /// `MY_POD_NAMESPACE`
    pub namespace: String,
    /// `MY_POD_IP`
    pub pod_ip: String,
    /// `MY_HOST_IP`
    pub host_ip: String,
    /// `MY_POD_CLUSTER_NAME`, the name of the custom resource.
    pub cluster: String,
    /// `POD_SPEC_HASH`: hash of the pod spec that the pod was made for. Pods of older templates do not have it.
    pub pod_spec_hash: Option<String>,
}

impl Environment {
    /// Reads it through `variable`.
    ///
    /// # Errors
    ///
    /// A variable is missing or empty.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Missing> {
        let given = |name| variable(name).filter(|value| !value.is_empty());
        let value = |name| given(name).ok_or(Missing(name));
        Ok(Self {
            pod: value("MY_POD_NAME")?,
            namespace: value("MY_POD_NAMESPACE")?,
            pod_ip: value("MY_POD_IP")?,
            host_ip: value("MY_HOST_IP")?,
            cluster: value("MY_POD_CLUSTER_NAME")?,
            pod_spec_hash: given(POD_SPEC_HASH_VARIABLE),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_named() {
        let read = Environment::read(|name| (name != "MY_HOST_IP").then(|| name.to_lowercase()));
        assert_eq!(read, Err(Missing("MY_HOST_IP")));
    }
}
