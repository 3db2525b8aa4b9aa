//! What a server refuses after it has read the whole file.

use std::collections::BTreeSet;

use super::Refusal;
use super::settings::{Settings, namespace_key};

/// What the checks need to know of the machine.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// The soft limit of open files.
    pub open_files: u64,
    /// The number of processors.
    pub processors: u64,
}

type Check = fn(&Settings, Machine) -> Result<(), Refusal>;
type NamespaceCheck = fn(&Settings, &str) -> Result<(), String>;

/// In the order of the server.
const CHECKS: &[Check] = &[
    cluster_is_named,
    there_is_a_namespace,
    files_suffice,
    threads_fit_processors,
    node_id_has_one_source,
    services_have_ports,
    heartbeat_is_mesh,
    seeds_fit,
    connect_timeout_fits,
    receive_threads_fit_pools,
    tls_names_exist,
    namespaces_hold,
    no_tls_listener,
];

const NAMESPACE_CHECKS: &[NamespaceCheck] = &[
    has_storage,
    expiry_has_a_reaper,
    memory_has_a_size,
    devices_are_there,
    no_device_twice,
    compression_fits,
    sizes_are_powers_of_two,
];

/// Everything that is checked once the file is read.
///
/// # Errors
///
/// The first that the server would complain about, to its log sinks.
pub fn check(settings: &Settings, machine: Machine) -> Result<(), Refusal> {
    CHECKS.iter().try_for_each(|check| check(settings, machine))
}

fn cluster_is_named(settings: &Settings, _: Machine) -> Result<(), Refusal> {
    match settings.get("service.cluster-name") {
        None if settings.release().version.at_least(7, 0) => {
            Err(Refusal::of_all("must configure 'cluster-name'"))
        }
        Some(name) if name.len() > 63 => Err(Refusal::of_all(format!("bad cluster name '{name}'"))),
        _ => Ok(()),
    }
}

fn there_is_a_namespace(settings: &Settings, _: Machine) -> Result<(), Refusal> {
    refuse_if(settings.namespaces().is_empty(), || {
        "must configure at least one namespace".to_owned()
    })
}

fn files_suffice(settings: &Settings, machine: Machine) -> Result<(), Refusal> {
    let wanted = settings.number("service.proto-fd-max", 15_000);
    let has = machine.open_files;
    refuse_if(wanted > has, || {
        format!("{has} system file descriptors not enough, config specified {wanted}")
    })
}

fn threads_fit_processors(settings: &Settings, machine: Machine) -> Result<(), Refusal> {
    let pinned = settings
        .get("service.auto-pin")
        .is_some_and(|pin| pin != "none");
    let threads = settings.number("service.service-threads", machine.processors);
    let odd = pinned && !threads.is_multiple_of(machine.processors.max(1));
    refuse_if(odd, || {
        "with 'auto-pin' enabled, 'service-threads' must be a multiple of the number of CPUs"
            .to_owned()
    })
}

fn node_id_has_one_source(settings: &Settings, _: Machine) -> Result<(), Refusal> {
    let both = settings.get("service.node-id").is_some()
        && settings.get("service.node-id-interface").is_some();
    refuse_if(both, || {
        "may not configure both 'node-id' and 'node-id-interface'".to_owned()
    })
}

fn services_have_ports(settings: &Settings, _: Machine) -> Result<(), Refusal> {
    for name in ["service", "heartbeat", "fabric"] {
        let port = |kind: &str| settings.port(&format!("network.{name}.{kind}"));
        let none = port("port") == 0 && port("tls-port") == 0;
        let multicast =
            name == "heartbeat" && settings.has_section("network.heartbeat") && !is_mesh(settings);
        if multicast {
            return Err(Refusal::in_module("hb", "no multicast groups specified"));
        }
        refuse_if(none, || format!("no {name} ports configured"))?;
    }
    Ok(())
}

fn is_mesh(settings: &Settings) -> bool {
    settings.get("network.heartbeat.mode") == Some("mesh")
}

fn heartbeat_is_mesh(settings: &Settings, _: Machine) -> Result<(), Refusal> {
    let groups = !settings.all("network.heartbeat.multicast-group").is_empty();
    refuse_if(groups, || "multicast heartbeat is not simulated".to_owned())
}

fn seeds_fit(settings: &Settings, _: Machine) -> Result<(), Refusal> {
    let count = |name: &str| settings.all(&format!("network.heartbeat.{name}")).len();
    let seeds = count("mesh-seed-address-port") + count("tls-mesh-seed-address-port");
    let most = settings.release().largest_cluster();
    refuse_if(seeds > most, || {
        format!("can't configure more than {most} mesh-seed-address-port entries")
    })
}

fn connect_timeout_fits(settings: &Settings, _: Machine) -> Result<(), Refusal> {
    let number =
        |name: &str, otherwise| settings.number(&format!("network.heartbeat.{name}"), otherwise);
    let most = number("interval", 150) * number("timeout", 10) / 3;
    let set = settings
        .get("network.heartbeat.connect-timeout-ms")
        .and_then(|value| value.parse::<u64>().ok());
    refuse_if(set.is_some_and(|set| set > most), || {
        format!("heartbeat connect-timeout-ms must be >= 50 and <= {most}")
    })
}

fn receive_threads_fit_pools(settings: &Settings, _: Machine) -> Result<(), Refusal> {
    let threads = settings.number("network.fabric.channel-rw-recv-threads", 16);
    let pools = settings
        .number("network.fabric.channel-rw-recv-pools", 1)
        .max(1);
    refuse_if(!threads.is_multiple_of(pools), || {
        "'channel-rw-recv-threads' must be a multiple of 'channel-rw-recv-pools'".to_owned()
    })
}

fn tls_names_exist(settings: &Settings, _: Machine) -> Result<(), Refusal> {
    let known: BTreeSet<_> = settings.section_names("network.tls").collect();
    for section in ["service", "admin", "heartbeat", "fabric"] {
        let name = settings.get(&format!("network.{section}.tls-name"));
        let missing = name.filter(|name| *name != "null" && !known.contains(name));
        if let Some(name) = missing {
            return Err(Refusal::of_all(format!(
                "failed to find tls stanza for '{name}'"
            )));
        }
    }
    Ok(())
}

fn namespaces_hold(settings: &Settings, _: Machine) -> Result<(), Refusal> {
    for namespace in settings.namespaces() {
        for check in NAMESPACE_CHECKS {
            check(settings, namespace)
                .map_err(|text| Refusal::of_all(format!("{{{namespace}}} {text}")))?;
        }
    }
    Ok(())
}

fn no_tls_listener(settings: &Settings, _: Machine) -> Result<(), Refusal> {
    let listeners = ["service", "admin", "heartbeat", "fabric"];
    let asked = listeners
        .iter()
        .find(|name| settings.port(&format!("network.{name}.tls-port")) != 0);
    match asked {
        Some(name) => Err(Refusal::of_all(format!(
            "simulator: 'tls-port' of network.{name} is not supported"
        ))),
        None => Ok(()),
    }
}

fn refuse_if(wrong: bool, text: impl FnOnce() -> String) -> Result<(), Refusal> {
    if wrong {
        Err(Refusal::of_all(text()))
    } else {
        Ok(())
    }
}

fn engine<'a>(settings: &'a Settings, namespace: &str) -> &'a str {
    settings
        .get(&namespace_key(namespace, "storage-engine"))
        .unwrap_or_default()
}

fn storage<'a>(settings: &'a Settings, namespace: &str, name: &str) -> &'a [String] {
    settings.all(&namespace_key(namespace, &format!("storage-engine.{name}")))
}

fn has_storage(settings: &Settings, namespace: &str) -> Result<(), String> {
    // up to 6.4 memory was what a namespace had if it said nothing
    let told =
        !engine(settings, namespace).is_empty() || !settings.release().version.at_least(7, 0);
    told.then_some(())
        .ok_or_else(|| "must configure 'storage-engine'".to_owned())
}

fn expiry_has_a_reaper(settings: &Settings, namespace: &str) -> Result<(), String> {
    let key = |name: &str| namespace_key(namespace, name);
    let expires = settings.number(&key("default-ttl"), 0) != 0;
    let reaped = settings.number(&key("nsup-period"), 0) != 0
        || settings.is_true(&key("allow-ttl-without-nsup"));
    if expires && !reaped {
        let text = "must configure non-zero 'nsup-period' or 'allow-ttl-without-nsup' true if 'default-ttl' is non-zero";
        return Err(text.to_owned());
    }
    Ok(())
}

fn memory_has_a_size(settings: &Settings, namespace: &str) -> Result<(), String> {
    if engine(settings, namespace) != "memory" || !settings.release().version.at_least(7, 0) {
        return Ok(());
    }
    let has = |name: &str| !storage(settings, namespace, name).is_empty();
    let backed = has("device") || has("file");
    if !backed && !has("data-size") {
        return Err("must configure 'data-size' if not using storage backing".to_owned());
    }
    if backed && has("data-size") {
        return Err("can't configure 'data-size' if using storage backing".to_owned());
    }
    let needs_backing = ["commit-to-device", "encryption-key-file", "flush-size"];
    let lost = needs_backing.iter().find(|name| !backed && has(name));
    lost.map_or(Ok(()), |name| {
        Err(format!(
            "can't configure '{name}' if not using storage backing"
        ))
    })
}

fn devices_are_there(settings: &Settings, namespace: &str) -> Result<(), String> {
    let has = |name: &str| !storage(settings, namespace, name).is_empty();
    match engine(settings, namespace) {
        "device" if !has("device") && !has("file") => Err("has no devices or files".to_owned()),
        "pmem" if !has("file") => Err("has no files".to_owned()),
        _ if has("device") && has("file") => {
            Err("can't configure both devices and files".to_owned())
        }
        _ if has("file") && !has("filesize") => {
            Err("must configure 'filesize' if using storage files".to_owned())
        }
        _ => Ok(()),
    }
}

fn no_device_twice(settings: &Settings, namespace: &str) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let entries = ["device", "file"]
        .map(|name| storage(settings, namespace, name))
        .concat();
    let shadowed = entries.iter().filter(|entry| entry.contains(' ')).count();
    if shadowed != 0 && shadowed != entries.len() {
        return Err("has device(s) with and device(s) without shadow".to_owned());
    }
    let mut paths = entries.iter().flat_map(|entry| entry.split(' '));
    paths
        .find(|path| !seen.insert(*path))
        .map_or(Ok(()), |path| {
            Err(format!("duplicate device or file {path}"))
        })
}

fn compression_fits(settings: &Settings, namespace: &str) -> Result<(), String> {
    let value = |name: &str| {
        storage(settings, namespace, name)
            .last()
            .map(String::as_str)
    };
    let kind = value("compression").unwrap_or("none");
    if value("compression-level").is_some() && kind != "zstd" {
        return Err("'compression-level' is only relevant for 'compression zstd'".to_owned());
    }
    if value("compression-acceleration").is_some() && kind != "lz4" {
        return Err("'compression-acceleration' is only relevant for 'compression lz4'".to_owned());
    }
    Ok(())
}

fn sizes_are_powers_of_two(settings: &Settings, namespace: &str) -> Result<(), String> {
    let names = [
        "storage-engine.flush-size",
        "storage-engine.write-block-size",
        "partition-tree-sprigs",
        "index-stage-size",
        "sindex-stage-size",
    ];
    let odd = names.iter().find(|name| {
        !settings
            .number(&namespace_key(namespace, name), 1)
            .is_power_of_two()
    });
    odd.map_or(Ok(()), |name| {
        let name = name.rsplit('.').next().unwrap_or(name);
        Err(format!("'{name}' must be a power of 2"))
    })
}
