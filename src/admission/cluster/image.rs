//! Images of server and init container: version, edition, and what an edition cannot do.

use crate::{
    admission::{
        rules::{Area, Change},
        subject::Subject,
    },
    finding::{FieldPath, Finding},
    resolve::{
        Edition, Version,
        image::{AKO_INIT_NAME, version_of},
    },
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[
        image_is_given,
        version_is_supported,
        community_has_no_racks,
        init_image_has_a_version,
        init_image_knows_dynamic_config,
    ],
    changes: &[
        running_pods_know_dynamic_config,
        edition_stays,
        pods_share_nodes_as_before,
    ],
    advice: &[],
};

/// The oldest version that is supported.
const OLDEST: [u64; 4] = [6, 0, 0, 0];
/// The oldest init image that changes a configuration at run time.
const DYNAMIC_CONFIG: [u64; 3] = [2, 2, 0];

fn path() -> FieldPath {
    FieldPath::spec().child("image")
}

fn image_is_given(subject: &Subject<'_>) -> Vec<Finding> {
    if !subject.spec.image.is_empty() {
        return Vec::new();
    }
    vec![Finding::required(
        "IMG-01",
        path(),
        "image cannot be empty: name one with its version, such as aerospike/aerospike-server-enterprise:8.1.2.0",
    )]
}

fn version_is_supported(subject: &Subject<'_>) -> Vec<Finding> {
    match version_of(&subject.spec.image) {
        Ok(version) if !version.at_least(&OLDEST) => vec![Finding::invalid(
            "IMG-04",
            path(),
            format!("image version {version} not supported. Base version 6.0.0.0"),
        )],
        _ => Vec::new(),
    }
}

fn is_community(subject: &Subject<'_>) -> bool {
    let image = &subject.spec.image;
    version_of(image).is_ok() && Edition::of(image) == Edition::Community
}

fn community_has_no_racks(subject: &Subject<'_>) -> Vec<Finding> {
    let spread = subject
        .spec
        .rack_config
        .as_ref()
        .is_some_and(|config| !config.namespaces.is_empty());
    if !spread || !is_community(subject) {
        return Vec::new();
    }
    let path = FieldPath::spec().children(&["rackConfig", "namespaces"]);
    let image = &subject.spec.image;
    vec![Finding::forbidden(
        "CE-01",
        path,
        format!(
            "only Enterprise and Federal editions are allowed to spread namespaces over racks: image {image:?} is not \
             supported for that; use an Enterprise image or leave this out"
        ),
    )]
}

/// The name and tag of AKO's own init image, if the spec asks for it. Only its versions mean anything to us.
fn ako_init_image<'a>(subject: &Subject<'a>) -> Option<&'a str> {
    let pod = subject.spec.pod_spec.as_ref()?;
    let name = pod
        .aerospike_init_container
        .as_ref()?
        .image_name_and_tag
        .as_deref()?;
    (name.split(':').next() == Some(AKO_INIT_NAME)).then_some(name)
}

fn init_image_has_a_version(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(Err(message)) = ako_init_image(subject).map(version_of) else {
        return Vec::new();
    };
    vec![Finding::invalid(
        "INI-01",
        FieldPath::spec().children(&["podSpec", "aerospikeInitContainer", "imageNameAndTag"]),
        message,
    )]
}

fn init_image_knows_dynamic_config(subject: &Subject<'_>) -> Vec<Finding> {
    let old = |version: &Version| !version.at_least(&DYNAMIC_CONFIG);
    let version = ako_init_image(subject).and_then(|name| version_of(name).ok());
    let wanted = subject.spec.enable_dynamic_config_update == Some(true);
    let Some(version) = version.filter(|version| wanted && old(version)) else {
        return Vec::new();
    };
    vec![Finding::invalid(
        "INI-02",
        FieldPath::spec().child("enableDynamicConfigUpdate"),
        format!(
            "init container version {version} is too old for dynamic config: 2.2.0 is the oldest; leave imageNameAndTag out"
        ),
    )]
}

/// UPD-01. Only versions of AKO's own init image mean anything.
fn running_pods_know_dynamic_config(change: &Change<'_>) -> Vec<Finding> {
    let wanted = |subject: &Subject<'_>| subject.spec.enable_dynamic_config_update == Some(true);
    if wanted(change.old) || !wanted(change.new) {
        return Vec::new();
    }
    let pods = change
        .new
        .status
        .into_iter()
        .flat_map(|status| &status.pods);
    let versions = pods.filter_map(|(_, pod)| {
        let name = pod.init_image.as_deref()?.rsplit('/').next()?;
        (name.split(':').next() == Some(AKO_INIT_NAME)).then(|| version_of(name).ok())?
    });
    let Some(oldest) = versions
        .min()
        .filter(|version| !version.at_least(&DYNAMIC_CONFIG))
    else {
        return Vec::new();
    };
    vec![Finding::invalid(
        "UPD-01",
        FieldPath::spec().child("enableDynamicConfigUpdate"),
        format!(
            "some running init containers are too old for dynamic config: the oldest is {oldest}, and it needs 2.2.0; in two \
             steps, leave imageNameAndTag out and wait until every pod was restarted, then set this"
        ),
    )]
}

fn edition_stays(change: &Change<'_>) -> Vec<Finding> {
    let edition = |subject: &Subject<'_>| Edition::of(&subject.spec.image);
    let (code, from, to) = match (edition(change.old), edition(change.new)) {
        (Edition::Enterprise, Edition::Federal) => ("UPD-02", "Enterprise", "Federal"),
        (Edition::Federal, Edition::Enterprise) => ("UPD-03", "Federal", "Enterprise"),
        _ => return Vec::new(),
    };
    vec![Finding::forbidden(
        code,
        path(),
        format!(
            "edition change from {from} to {to} is unsupported: keep the {from} edition, or make a new cluster"
        ),
    )]
}

fn pods_share_nodes_as_before(change: &Change<'_>) -> Vec<Finding> {
    let shared = |subject: &Subject<'_>| {
        let pod = subject.spec.pod_spec.as_ref();
        pod.is_some_and(|pod| pod.multi_pod_per_host == Some(true))
    };
    let (old, new) = (shared(change.old), shared(change.new));
    if old == new {
        return Vec::new();
    }
    vec![Finding::forbidden(
        "UPD-06",
        FieldPath::spec().children(&["podSpec", "multiPodPerHost"]),
        format!(
            "cannot update MultiPodPerHost setting: it was {old} when the cluster was made, and stays so"
        ),
    )]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::admission::cluster::testing::{cluster, created, text, updated, warned};

    const COMMUNITY: &str = "aerospike/aerospike-server:8.1.2.0";

    fn with_image(image: &str) -> crate::api::AerospikeCluster {
        cluster(&json!({"image": image}))
    }

    #[test]
    fn an_image_has_a_supported_version() {
        let oldest = cluster(
            &json!({"image": "r:5000/ee:6.0.0.0", "aerospikeConfig": {"service": null,
            "namespaces": [{"name": "test", "memory-size": 1, "storage-engine": {"type": "memory"}}]}}),
        );
        assert_eq!(created(&oldest), [""; 0]);
        assert_eq!(created(&with_image("")), ["IMG-01 spec.image"]);
        for versionless in ["InvalidImage", "a/b:latest", "a/b@sha256:12"] {
            assert_eq!(
                created(&with_image(versionless)),
                ["IMG-03 spec.image"],
                "{versionless}"
            );
        }
        let old = with_image("aerospike/aerospike-server-enterprise:5.0.0.0");
        assert_eq!(created(&old), ["IMG-04 spec.image"]);
        assert!(text(&old).contains("image version 5.0.0.0 not supported. Base version 6.0.0.0"));
    }

    #[test]
    fn a_community_image_is_told_each_feature_that_it_lacks() {
        let features = json!({
            "rackConfig": {"namespaces": ["test"], "racks": [{"id": 1}]},
            "aerospikeAccessControl": {"users": [
                {"name": "admin", "secretName": "s", "roles": ["sys-admin", "user-admin"]}]},
            "storage": {"volumes": [{"name": "disk", "aerospike": {"path": "/dev/a"},
                "source": {"persistentVolume": {"volumeMode": "Block", "size": "1Gi"}}}]},
            "aerospikeConfig": {"security": {}, "namespaces": [{"name": "test", "strong-consistency": true,
                "storage-engine": {"type": "device", "devices": ["/dev/a"]}}]},
        });
        assert_eq!(created(&cluster(&features)), [""; 0]);
        assert_eq!(created(&with_image(COMMUNITY)), [""; 0]);
        let mut community = cluster(&features);
        community.spec.image = COMMUNITY.to_owned();
        assert_eq!(
            created(&community),
            [
                "CE-02 spec.aerospikeConfig.namespaces[0].strong-consistency",
                "CE-02 spec.aerospikeConfig.security",
                "CE-01 spec.rackConfig.namespaces",
            ]
        );
        assert!(text(&community).contains("only Enterprise and Federal editions are allowed"));
    }

    #[test]
    fn akos_init_image_is_replaced_with_a_warning_and_its_version_still_counts() {
        let init = |name: &str, dynamic: bool| -> Value {
            json!({"enableDynamicConfigUpdate": dynamic,
                "podSpec": {"aerospikeInitContainer": {"imageNameAndTag": name}}})
        };
        let fresh = cluster(&init("aerospike-kubernetes-init:2.5.3", true));
        assert_eq!((created(&fresh), warned(&fresh)), (vec![], vec!["INI-03"]));
        let old = cluster(&init("aerospike-kubernetes-init:2.1.0", true));
        assert_eq!(created(&old), ["INI-02 spec.enableDynamicConfigUpdate"]);
        let bare = cluster(&init("aerospike-kubernetes-init", false));
        assert_eq!(
            created(&bare),
            ["INI-01 spec.podSpec.aerospikeInitContainer.imageNameAndTag"]
        );
        let own = cluster(&init("my-init:1.0", true));
        assert_eq!((created(&own), warned(&own)), (vec![], vec![]));
    }

    #[test]
    fn enterprise_and_federal_do_not_turn_into_each_other() {
        let enterprise = with_image("a/ee-enterprise:8.1.2.0");
        let federal = with_image("a/ee-federal:8.1.2.0");
        assert_eq!(updated(&enterprise, &federal), ["UPD-02 spec.image"]);
        assert_eq!(updated(&federal, &enterprise), ["UPD-03 spec.image"]);
        let newer = with_image("a/ee-enterprise:8.2.0.0");
        assert_eq!(updated(&enterprise, &newer), [""; 0]);
    }

    #[test]
    fn running_init_containers_know_dynamic_configuration() {
        let turned = |on: bool, image: &str| {
            let mut cluster = cluster(&json!({"enableDynamicConfigUpdate": on}));
            let pod = json!({"image": "", "initImage": image, "podIP": "", "podPort": 3000,
                "aerospikeConfigHash": "", "networkPolicyHash": "", "podSpecHash": ""});
            cluster.status = serde_json::from_value(json!({"pods": {"db-0-0": pod}})).unwrap();
            cluster
        };
        let on = |image: &str| updated(&turned(false, image), &turned(true, image));
        let old = "docker.io/aerospike/aerospike-kubernetes-init:2.1.0";
        assert_eq!(on(old), ["UPD-01 spec.enableDynamicConfigUpdate"]);
        assert_eq!(
            on("docker.io/aerospike/aerospike-kubernetes-init:2.5.3"),
            [""; 0]
        );
        assert_eq!(on("r:5000/aerospike-operator:0.1.0"), [""; 0]);
        assert_eq!(on(""), [""; 0]);
        assert_eq!(updated(&turned(true, old), &turned(true, old)), [""; 0]);
        assert_eq!(updated(&turned(true, old), &turned(false, old)), [""; 0]);
    }

    #[test]
    fn sharing_nodes_is_decided_once() {
        let shared = cluster(&json!({"podSpec": {"multiPodPerHost": true}}));
        let absent = cluster(&json!({}));
        let unshared = cluster(&json!({"podSpec": {"multiPodPerHost": false}}));
        assert_eq!(
            updated(&shared, &absent),
            ["UPD-06 spec.podSpec.multiPodPerHost"]
        );
        assert_eq!(updated(&absent, &unshared), [""; 0]);
    }
}
