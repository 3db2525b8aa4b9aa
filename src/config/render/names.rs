//! What the names of parameters mean to the writer. Facts of `aerospike.conf` and of AKO's writer, as tables.

/// Parameters that take a list: the name in the tree, the name in the file. A text in the place of the list is its one item.
const LISTS: &[(&str, &str)] = &[
    ("access-addresses", "access-address"),
    ("addresses", "address"),
    ("alternate-access-addresses", "alternate-access-address"),
    ("datacenters", "datacenter"),
    ("dcs", "dc"),
    ("devices", "device"),
    ("feature-key-files", "feature-key-file"),
    ("files", "file"),
    ("ignore-bins", "ignore-bin"),
    ("ignore-sets", "ignore-set"),
    ("logging", "logging"),
    ("mesh-seed-address-ports", "mesh-seed-address-port"),
    ("mounts", "mount"),
    ("multicast-groups", "multicast-group"),
    ("namespaces", "namespace"),
    ("node-address-ports", "node-address-port"),
    ("report-data-op", "report-data-op"),
    ("report-data-op-role", "report-data-op-role"),
    ("report-data-op-user", "report-data-op-user"),
    ("role-query-patterns", "role-query-pattern"),
    ("sets", "set"),
    ("ship-bins", "ship-bin"),
    ("ship-sets", "ship-set"),
    ("tls", "tls"),
    ("tls-access-addresses", "tls-access-address"),
    ("tls-addresses", "tls-address"),
    (
        "tls-alternate-access-addresses",
        "tls-alternate-access-address",
    ),
    ("tls-authenticate-client", "tls-authenticate-client"),
    ("tls-mesh-seed-address-ports", "tls-mesh-seed-address-port"),
];

/// Lists whose items are sections, by their name in the file.
const LIST_SECTIONS: &[&str] = &["namespace", "dc", "set", "tls", "file", "logging"];

/// Sections with a type in their title.
const TYPED: &[&str] = &["storage-engine", "index-type", "sindex-type"];

/// Lists whose items are several tokens, joined by a colon in the tree, by their name in the file.
const JOINED: &[&str] = &[
    "mesh-seed-address-port",
    "tls-mesh-seed-address-port",
    "device",
    "report-data-op",
    "node-address-port",
    "feature-key-file",
];

/// A scalar of several tokens.
const SECRETS: &str = "secrets-address-port";

/// Flags whose presence servers once took for true; the order matters to the hash of the configuration.
pub(crate) const BENCHMARKS: [&str; 8] = [
    "enable-benchmarks-batch-sub",
    "enable-benchmarks-read",
    "enable-benchmarks-udf",
    "enable-benchmarks-write",
    "enable-benchmarks-udf-sub",
    "enable-benchmarks-storage",
    "enable-benchmarks-fabric",
    "enable-benchmarks-ops-sub",
];

/// Members that are part of a section's title.
const TITLES: &[&str] = &["name", "storage-engine-type"];

/// The name in the file of a parameter that takes a list.
pub(super) fn singular(key: &str) -> Option<&'static str> {
    LISTS
        .iter()
        .find(|(many, one)| key == *many || key == *one)
        .map(|(_, one)| *one)
}

/// Whether the items of a list may be sections.
pub(super) fn is_list_section(key: &str) -> bool {
    singular(key).is_some_and(|name| LIST_SECTIONS.contains(&name))
}

/// Whether a section has a type in its title.
pub(in crate::config) fn is_typed(key: &str) -> bool {
    TYPED.contains(&key)
}

/// What stands between the tokens of a list's item, to be written as a blank.
pub(super) fn separator(key: &str) -> Option<char> {
    let name = singular(key)?;
    JOINED.contains(&name).then_some(':')
}

/// Whether a text stays as it is although its parameter takes a list.
pub(super) fn is_word(key: &str, text: &str) -> bool {
    match key {
        "feature-key-file" => true,
        "tls-authenticate-client" => matches!(text, "any" | "false"),
        _ => false,
    }
}

/// A scalar as it stands in the file.
pub(super) fn scalar(key: &str, text: String) -> String {
    if key == SECRETS {
        text.replace(':', " ")
    } else {
        text
    }
}

/// Whether a statement is written at all.
pub(super) fn is_written(key: &str, text: &str) -> bool {
    let is_empty = text.is_empty() || text.eq_ignore_ascii_case("null");
    let is_unset_port = text == "0" && key.contains("port");
    let is_flag_off = text == "false" && BENCHMARKS.contains(&key);
    !(is_empty || is_unset_port || is_flag_off || TITLES.contains(&key))
}
