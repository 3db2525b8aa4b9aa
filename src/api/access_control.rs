//! Roles and users of the database.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{crd, lenient};

/// Roles and users of the database.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessControl {
    /// How the operator calls the servers for administration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_policy: Option<AdminPolicy>,

    /// Roles beside the predefined ones.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(schema_with = "crd::list_by_name::<Role>")]
    pub roles: Vec<Role>,

    /// The users; `admin` is among them.
    #[schemars(schema_with = "crd::list_by_name::<User>")]
    pub users: Vec<User>,
}

/// How the operator calls the servers for administration.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminPolicy {
    /// Time for one command, in milliseconds.
    #[schemars(range(min = 0))]
    pub timeout: i64,
}

/// A role.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Its name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,

    /// What it permits, as `<privilege>[.<namespace>[.<set>]]`.
    #[schemars(schema_with = "crd::set_of_strings")]
    pub privileges: Vec<String>,

    /// Addresses and networks from which it may be used.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(schema_with = "crd::set_of_strings")]
    pub whitelist: Vec<String>,

    /// Reads per second; 0 means no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crd::quota")]
    pub read_quota: Option<u32>,

    /// Writes per second; 0 means no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crd::quota")]
    pub write_quota: Option<u32>,
}

/// A user.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// How the user proves who they are; `Internal` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_mode: Option<AuthMode>,

    /// Their name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,

    /// Secret in the cluster's namespace whose key `password` holds the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,

    /// Their roles.
    #[schemars(schema_with = "crd::set_of_strings")]
    pub roles: Vec<String>,
}

/// How a user proves who they are.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum AuthMode {
    /// By a password.
    Internal,
    /// By a certificate.
    #[serde(rename = "PKIOnly")]
    PkiOnly,
}
