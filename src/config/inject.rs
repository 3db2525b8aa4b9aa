//! What the operator puts into a configuration, placeholders for `init` among it.

use crate::{api::Tree, config::Problem};

/// What the injected values depend on.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Name of the custom resource.
    pub cluster_name: &'a str,
    /// The rack whose configuration this is; none for the cluster's own.
    pub rack_id: Option<i64>,
    /// Namespaces that are spread over racks.
    pub rack_namespaces: &'a [String],
    /// `operatorClientCert.tlsClientName`
    pub client_name: Option<&'a str>,
}

/// Completes `tree`. Idempotent.
///
/// Returns every value that stands in the way; `tree` is complete only if there is none.
#[must_use]
pub fn defaults(_tree: &mut Tree, _context: &Context<'_>) -> Vec<Problem> {
    Vec::new()
}
