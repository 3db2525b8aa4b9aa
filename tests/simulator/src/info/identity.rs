//! Who the server is.

use super::registry::{Answer, Call};

const COMMUNITY_SHA: &str = "05b91c64f5fa7836a36e52e3797da34dc0325649";
const OS: &str = "debian12";

const FEATURES: &str = "batch-any;batch-index;blob-bits;cdt-index;cdt-list;cdt-map;cluster-stable;float;geo;\
    sindex-exists;peers;pipelining;pquery;pscans;query-show;relaxed-sc;replicas;replicas-all;replicas-master;\
    replicas-max;truncate-namespace;udf";

pub fn build(call: &mut Call<'_>) -> Answer {
    Ok(call.node.version().to_string())
}

pub fn edition(call: &mut Call<'_>) -> Answer {
    Ok(call.node.release().edition.to_string())
}

pub fn version(call: &mut Call<'_>) -> Answer {
    let release = call.node.release();
    Ok(format!("{} build {}", release.edition, release.version))
}

pub fn release(call: &mut Call<'_>) -> Answer {
    let release = call.node.release();
    let sha = format!("os={OS};arch=x86_64;sha={COMMUNITY_SHA}");
    let more = if release.is_community() {
        String::new()
    } else {
        format!(";ee-sha={COMMUNITY_SHA}")
    };
    Ok(format!(
        "edition={};version={};{sha}{more}",
        release.edition, release.version
    ))
}

pub fn node(call: &mut Call<'_>) -> Answer {
    Ok(call.node.id())
}

pub fn status(_: &mut Call<'_>) -> Answer {
    Ok("ok".to_owned())
}

pub fn build_os(_: &mut Call<'_>) -> Answer {
    Ok(OS.to_owned())
}

pub fn build_arch(_: &mut Call<'_>) -> Answer {
    Ok("x86_64".to_owned())
}

pub fn build_time(_: &mut Call<'_>) -> Answer {
    Ok("Fri Apr 17 00:00:00 UTC 2026".to_owned())
}

pub fn build_sha(_: &mut Call<'_>) -> Answer {
    Ok(COMMUNITY_SHA.to_owned())
}

pub fn build_ee_sha(call: &mut Call<'_>) -> Answer {
    let community = call.node.release().is_community();
    Ok(if community {
        String::new()
    } else {
        COMMUNITY_SHA.to_owned()
    })
}

pub fn compatibility_id(call: &mut Call<'_>) -> Answer {
    Ok(call.node.version().compatibility_id().to_string())
}

pub fn features(_: &mut Call<'_>) -> Answer {
    Ok(FEATURES.to_owned())
}

pub fn cluster_name(call: &mut Call<'_>) -> Answer {
    Ok(call
        .node
        .settings
        .get("service.cluster-name")
        .unwrap_or("null")
        .to_owned())
}

pub fn namespaces(call: &mut Call<'_>) -> Answer {
    Ok(call.node.settings.namespaces().join(";"))
}

pub fn connection(call: &mut Call<'_>) -> Answer {
    Ok(format!("admin={}", call.by_admin_port))
}

pub fn feature_key(_: &mut Call<'_>) -> Answer {
    Ok("feature-key-version=2;asdb-cluster-nodes-limit=0;asdb-compression=true;asdb-encryption-at-rest=true;\
        asdb-flash-index=true;asdb-ldap=true;asdb-pmem=true;asdb-rack-aware=true;asdb-secrets=true;\
        asdb-strong-consistency=true;asdb-vault=true;asdb-xdr=true"
        .to_owned())
}
