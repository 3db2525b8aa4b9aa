//! Ports and addresses that clients use, mesh heartbeat, and who may connect by TLS.

use serde_json::Value;

use super::{Context, Section, missing, object, wrong_type};
use crate::{api::Tree, config::Problem, finding::FieldPath};

const SHAPE: &str = "DEF-15a";
const AUTHENTICATE: &str = "tls-authenticate-client";

/// The keys that follow from one port, plain or TLS.
struct Access {
    code: &'static str,
    port: &'static str,
    /// Keys that repeat the port.
    ports: [&'static str; 2],
    /// Keys of addresses, and the placeholders that `init` fills in.
    addresses: [(&'static str, &'static str); 2],
}

const PLAIN: Access = Access {
    code: "DEF-15b",
    port: "port",
    ports: ["access-port", "alternate-access-port"],
    addresses: [
        ("access-addresses", "<access-address>"),
        ("alternate-access-addresses", "<alternate-access-address>"),
    ],
};

const TLS: Access = Access {
    code: "DEF-15d",
    port: "tls-port",
    ports: ["tls-access-port", "tls-alternate-access-port"],
    addresses: [
        ("tls-access-addresses", "<tls-access-address>"),
        (
            "tls-alternate-access-addresses",
            "<tls-alternate-access-address>",
        ),
    ],
};

pub(super) fn defaults(tree: &mut Tree, context: &Context<'_>, problems: &mut Vec<Problem>) {
    let root = FieldPath::default();
    let path = root.child("network");
    let Some(network) = object(tree, "network", (SHAPE, &root), problems) else {
        return;
    };
    if let Some(service) = object(network, "service", (SHAPE, &path), problems) {
        let path = path.child("service");
        let has_tls = has_tls_name(service, &path, problems);
        access(&PLAIN, true, service, &path, problems);
        access(&TLS, has_tls, service, &path, problems);
        authentication(service, context);
    }
    heartbeat(network, &path, problems);
    if !network.contains_key("fabric") {
        problems.push(missing("DEF-15g", path.child("fabric")));
    }
    if network.contains_key("admin") {
        object(network, "admin", ("DEF-15h", &path), problems);
    }
}

fn has_tls_name(service: &Tree, path: &FieldPath, problems: &mut Vec<Problem>) -> bool {
    match service.get("tls-name") {
        None => false,
        Some(Value::String(name)) => !name.is_empty(),
        Some(other) => {
            problems.push(wrong_type(
                TLS.code,
                path.child("tls-name"),
                "a string",
                other,
            ));
            false
        }
    }
}

fn access(
    access: &Access,
    wanted: bool,
    service: &mut Tree,
    path: &FieldPath,
    problems: &mut Vec<Problem>,
) {
    match service.get(access.port).filter(|_| wanted) {
        Some(port @ Value::Number(_)) => {
            let port = port.clone();
            let mut section = Section {
                tree: service,
                path: path.clone(),
                code: access.code,
                problems,
            };
            for key in access.ports {
                section.fix(key, port.clone());
            }
            for (key, placeholder) in access.addresses {
                section.fix(key, Value::from(vec![placeholder]));
            }
        }
        Some(other) => {
            problems.push(wrong_type(
                access.code,
                path.child(access.port),
                "a number",
                other,
            ));
        }
        None => {
            let addresses = access.addresses.iter().map(|(key, _)| key);
            for key in access.ports.iter().chain(addresses) {
                service.remove(*key);
            }
        }
    }
}

fn authentication(service: &mut Tree, context: &Context<'_>) {
    let has_tls_name = service.contains_key("tls-name");
    match (service.get_mut(AUTHENTICATE), context.client_name) {
        (None, _) if has_tls_name => {
            service.insert(AUTHENTICATE.to_owned(), "any".into());
        }
        (Some(Value::Array(names)), Some(own))
            if !own.is_empty() && !names.iter().any(|name| name == own) =>
        {
            names.push(own.into());
        }
        _ => {}
    }
}

fn heartbeat(network: &mut Tree, path: &FieldPath, problems: &mut Vec<Problem>) {
    const CODE: &str = "DEF-15f";
    if let Some(tree) = object(network, "heartbeat", (CODE, path), problems) {
        let mut section = Section {
            tree,
            path: path.child("heartbeat"),
            code: CODE,
            problems,
        };
        section.fix("mode", "mesh".into());
    }
}
