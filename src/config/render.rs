//! The tree as `aerospike.conf`, byte for byte as AKO 4.5.0 writes it.

use crate::{api::Tree, config::Problem};

/// The text of `aerospike.template.conf`.
///
/// # Errors
///
/// Two elements of one list with the same name.
pub fn template(_tree: &Tree) -> Result<String, Problem> {
    Ok(String::new())
}
