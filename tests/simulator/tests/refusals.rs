//! Configuration files that a real Community 8.1.2.0 refused, and what it said.

use simulator::conf::checks::{Machine, check};
use simulator::conf::{self, Refusal};
use simulator::version::{Edition, Release};

const MACHINE: Machine = Machine {
    open_files: 20_000,
    processors: 2,
};

const BASE: &str = "\
service {
    cluster-name ako-live
    node-id a1
    proto-fd-max 1024
}
logging {
    console {
        context any info
    }
}
network {
    service {
        address 127.0.0.1
        port 3000
    }
    heartbeat {
        mode mesh
        address 127.0.0.1
        port 3002
        mesh-seed-address-port 127.0.0.2 3002
        interval 150
        timeout 10
    }
    fabric {
        address 127.0.0.1
        port 3001
    }
}
namespace test {
    replication-factor 2
    storage-engine memory {
        data-size 512M
    }
}
";

fn load(edition: Edition, version: &str, text: &str) -> Result<(), Refusal> {
    let release = Release {
        version: version.parse().unwrap(),
        edition,
    };
    check(&conf::parse(release, text)?, MACHINE)
}

fn refusal(text: &str) -> Option<String> {
    load(Edition::Community, "8.1.2.0", text)
        .err()
        .map(|refusal| refusal.to_string())
}

/// The base with one text in the place of another, which must be there.
fn changed(from: &str, to: &str) -> String {
    assert!(BASE.contains(from), "{from}");
    BASE.replacen(from, to, 1)
}

const SERVICE: &str = "    proto-fd-max 1024\n";
const SINK: &str = "        context any info\n";
const NAMESPACE: &str = "    replication-factor 2\n";
const STORAGE: &str = "        data-size 512M\n";
const DEVICE: &str = "    storage-engine memory {\n        data-size 512M\n";

/// What is put after a line, or in its place, and the refusal without its module.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        SERVICE,
        "nope 1\n",
        "line 4 :: unknown config parameter name 'nope'",
    ),
    (
        SERVICE,
        "paxos-single-replica-limit 1\n",
        "line 4 :: unknown config parameter name 'paxos-single-replica-limit'",
    ),
    (
        SERVICE,
        "scan-threads-limit 1\n",
        "line 4 :: 'scan-threads-limit' is obsolete - please use 'query-threads-limit'",
    ),
    (
        SERVICE,
        "feature-key-file /a\n",
        "line 4 :: 'feature-key-file' is enterprise-only",
    ),
    (
        SERVICE,
        "stay-quiesced false\n",
        "line 4 :: 'stay-quiesced' is enterprise-only",
    ),
    (
        SERVICE,
        "migrate-fill-delay 0\n",
        "line 4 :: 'migrate-fill-delay' is enterprise-only",
    ),
    (
        SERVICE,
        "node-id 0\n",
        "line 4 :: node-id must be >= 1 and <= ffffffffffffffff, not 0",
    ),
    (
        SERVICE,
        "node-id aaaaaaaaaaaaaaaaa\n",
        "line 4 :: node-id must be a 64-bit hex number, not aaaaaaaaaaaaaaaaa",
    ),
    (
        SERVICE,
        "node-id xyz\n",
        "line 4 :: node-id must be a 64-bit hex number, not xyz",
    ),
    (
        SERVICE,
        "proto-fd-max 50000\n",
        "20000 system file descriptors not enough, config specified 50000",
    ),
    (
        SERVICE,
        "proto-fd-max 1000\n",
        "line 4 :: proto-fd-max must be >= 1024 and <= 2147483647, not 1000",
    ),
    (
        "    cluster-name ako-live\n",
        "",
        "must configure 'cluster-name'",
    ),
    (
        SINK,
        "context nope info\n",
        "line 8 :: can't add logging context nope info",
    ),
    (
        SINK,
        "context any loud\n",
        "line 8 :: can't add logging context any loud",
    ),
    (
        "        mode mesh\n",
        "mode nope\n",
        "line 17 :: mode has unknown value 'nope'",
    ),
    ("        mode mesh\n", "", "no multicast groups specified"),
    (
        "        interval 150\n",
        "interval 10\n",
        "line 21 :: interval must be >= 50 and <= 600000, not 10",
    ),
    (
        "        timeout 10\n",
        "timeout 1\n",
        "line 22 :: timeout must be >= 3 and <= 4294967295, not 1",
    ),
    (
        " 127.0.0.2 3002\n",
        " 127.0.0.2\n",
        "line 20 :: mesh-seed-address-port must specify an unsigned integer value",
    ),
    (
        "        port 3000\n",
        "port 80000\n",
        "line 14 :: port 80000 overflows unsigned short",
    ),
    (
        "        port 3000\n",
        "tls-port 4000\n",
        "line 14 :: 'tls-port' is enterprise-only",
    ),
    ("        port 3000\n", "", "no service ports configured"),
    ("        port 3002\n", "", "no heartbeat ports configured"),
    ("        port 3001\n", "", "no fabric ports configured"),
    (
        NAMESPACE,
        "replication-factor 0\n",
        "line 30 :: replication-factor must be >= 1 and <= 8, not 0",
    ),
    (
        NAMESPACE,
        "replication-factor 300\n",
        "line 30 :: replication-factor must be >= 1 and <= 8, not 300",
    ),
    (
        NAMESPACE,
        "replication-factor\n",
        "line 30 :: replication-factor must specify an unsigned integer value",
    ),
    (
        NAMESPACE,
        "allow-ttl-without-nsup yes\n",
        "line 30 :: allow-ttl-without-nsup must be true or false or yes or no, not yes",
    ),
    (
        NAMESPACE,
        "default-ttl 30d\n",
        "{test} must configure non-zero 'nsup-period' or 'allow-ttl-without-nsup' true if 'default-ttl' is non-zero",
    ),
    (
        NAMESPACE,
        "memory-size 1G\n",
        "line 30 :: 'memory-size' is obsolete - please use 'stop-writes-sys-memory-pct', 'evict-indexes-memory-pct', and storage context 'evict-used-pct' for stop-writes & eviction",
    ),
    (
        NAMESPACE,
        "stop-writes-pct 1\n",
        "line 30 :: 'stop-writes-pct' is obsolete - please use 'stop-writes-sys-memory-pct'",
    ),
    (
        NAMESPACE,
        "single-bin true\n",
        "line 30 :: 'single-bin' is obsolete - see documentation for converting to multi-bin",
    ),
    (
        NAMESPACE,
        "strong-consistency true\n",
        "line 30 :: 'strong-consistency' is enterprise-only",
    ),
    (
        NAMESPACE,
        "rack-id 0\n",
        "line 30 :: 'rack-id' is enterprise-only",
    ),
    (
        NAMESPACE,
        "prefer-uniform-balance true\n",
        "line 30 :: 'prefer-uniform-balance' is enterprise-only",
    ),
    (
        NAMESPACE,
        "index-type shmem\n",
        "line 30 :: 'index-type' is enterprise-only",
    ),
    (
        NAMESPACE,
        "sindex-type mem\n",
        "line 30 :: 'sindex-type' is enterprise-only",
    ),
    (
        "memory {\n",
        "pmem {\n",
        "line 31 :: 'storage-engine' is enterprise-only",
    ),
    (
        STORAGE,
        "data-size 256M\n",
        "line 32 :: data-size must be >= 536870912 and <= 281474976710656, not 268435456",
    ),
    (
        STORAGE,
        "data-size lots\n",
        "line 32 :: data-size must be an unsigned number, not lots",
    ),
    (
        STORAGE,
        "",
        "{test} must configure 'data-size' if not using storage backing",
    ),
    (
        STORAGE,
        "compression lz4\n",
        "line 32 :: 'compression' is enterprise-only",
    ),
    (
        STORAGE,
        "encryption aes-128\n",
        "line 32 :: 'encryption' is enterprise-only",
    ),
    (
        STORAGE,
        "data-size 1G\nflush-size 1M\n",
        "{test} can't configure 'flush-size' if not using storage backing",
    ),
    (
        DEVICE,
        "storage-engine device {\n",
        "{test} has no devices or files",
    ),
    (
        DEVICE,
        "storage-engine device {\nfile /a\n",
        "{test} must configure 'filesize' if using storage files",
    ),
    (
        DEVICE,
        "storage-engine device {\nfilesize 1M\n",
        "line 32 :: filesize must be >= 134217728 and <= 2199023255552, not 1048576",
    ),
    (
        DEVICE,
        "storage-engine device {\nwrite-block-size 1M\n",
        "line 32 :: 'write-block-size' is obsolete - please use 'flush-size' and 'post-write-cache' and perhaps 'max-record-size'",
    ),
];

#[test]
fn what_the_server_refuses_is_refused_with_its_words() {
    for (from, to, expected) in REFUSED {
        let said = refusal(&changed(from, to)).unwrap_or_default();
        assert!(
            said.ends_with(&format!("): {expected}")),
            "{to:?}\n said: {said}\n want: {expected}"
        );
    }
}

#[test]
fn what_is_wrong_with_the_file_as_a_whole_is_refused() {
    let more = |text: &str| format!("{BASE}{text}");
    let cases = [
        (String::new(), "must configure 'cluster-name'"),
        (
            more("foo {\n}\n"),
            "line 35 :: unknown config parameter name 'foo'",
        ),
        (more("}\n"), "line 35 :: unknown config parameter name '}'"),
        (
            more("security {\n}\n"),
            "line 35 :: 'security' is enterprise-only",
        ),
        (more("xdr {\n}\n"), "line 35 :: 'xdr' is enterprise-only"),
        (
            BASE.trim_end().trim_end_matches('}').to_owned(),
            "parsing - final context missing '}'?",
        ),
        (
            changed("service {", "service\n{"),
            "line 2 :: unknown config parameter name '{'",
        ),
        (more("namespace test {\n}\n"), "{test} duplicate namespace"),
        (
            more("namespace b {\n}\nnamespace c {\n}\n"),
            "too many namespaces (max is 2)",
        ),
        (
            more(&format!("namespace {} {{\n}}\n", "x".repeat(32))),
            "line 35 :: namespace name too long (max length is 31)",
        ),
        (
            more("namespace b {\n}\n"),
            "{b} must configure 'storage-engine'",
        ),
        (
            BASE[..BASE.find("namespace").unwrap()].to_owned(),
            "must configure at least one namespace",
        ),
    ];
    for (text, expected) in cases {
        let said = refusal(&text).unwrap_or_default();
        assert!(
            said.ends_with(&format!("): {expected}")),
            "said: {said}\n want: {expected}"
        );
    }
    let seed = "mesh-seed-address-port 127.0.0.2 3002\n";
    let nine = changed(seed, &seed.repeat(9));
    assert!(
        refusal(&nine)
            .unwrap()
            .ends_with("can't configure more than 8 mesh-seed-address-port entries")
    );
}

#[test]
fn what_the_server_starts_with_is_accepted() {
    let accepted = [
        BASE.to_owned(),
        BASE.replace('\n', "  # comment\r\n"),
        changed(STORAGE, "data-size 1g\n"),
        changed(NAMESPACE, "default-ttl 30d\nnsup-period 120\n"),
        changed(
            "    fabric {\n",
            "    info {\n        port 3003\n    }\n    fabric {\n",
        ),
        changed("127.0.0.2", "nosuch-0.svc.cluster.local"),
        changed("namespace test", &format!("namespace {}", "x".repeat(31))),
        changed("port 3000", "port 3000 and more"),
    ];
    for text in accepted {
        assert_eq!(refusal(&text), None, "{text}");
    }
}

#[test]
fn an_enterprise_server_takes_what_it_was_paid_for() {
    let text = changed(
        NAMESPACE,
        "rack-id 1\nstrong-consistency true\nindex-type shmem\n",
    ) + "security {\n}\nxdr {\n}\n";
    assert_eq!(load(Edition::Enterprise, "8.1.2.0", &text), Ok(()));
    let tls = changed("        port 3000\n", "port 3000\ntls-port 4333\n");
    let said = load(Edition::Enterprise, "8.1.2.0", &tls)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("'tls-port' of network.service is not supported"),
        "{said}"
    );
}

#[test]
fn old_versions_take_their_own_parameters() {
    let old = changed(
        DEVICE,
        "    memory-size 1G\n    storage-engine device {\n        file /a\n        filesize 1G\n",
    );
    assert_eq!(load(Edition::Community, "6.4.0.1", &old), Ok(()));
    assert!(load(Edition::Community, "7.0.0.1", &old).is_err());
    let yes = changed(NAMESPACE, "allow-ttl-without-nsup yes\n").replace("512M", "1G");
    assert_eq!(load(Edition::Community, "7.1.0.1", &yes), Ok(()));
}
