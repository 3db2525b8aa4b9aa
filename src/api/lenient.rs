//! Reading what an API server may hold: `null` where a list or a map is meant.

use serde::{Deserialize, Deserializer};

/// Reads `null` as the type's default, which AKO stores for absent lists and maps.
///
/// # Errors
///
/// If the value is neither `null` nor of the type.
pub fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
