//! Images: edition and version of the server, place of the init container's image.

use std::{cmp::Ordering, fmt};

use crate::{
    api::AerospikeClusterSpec,
    finding::{FieldPath, Finding},
    resolve::Settings,
};

/// Name of AKO's init image, in whose place our own is used.
pub const AKO_INIT_NAME: &str = "aerospike-kubernetes-init";

/// The image of the servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerImage {
    /// As written in the spec.
    pub reference: String,
    /// From the tag.
    pub version: Version,
    /// From the name.
    pub edition: Edition,
}

/// What the server can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    /// No racks in the server, strong consistency, security, quiesce, TLS, XDR.
    Community,
    /// Everything.
    Enterprise,
    /// Everything, with certified cryptography.
    Federal,
}

impl Edition {
    /// By the words in the image's name, in any case; neither means Community.
    #[must_use]
    pub fn of(image: &str) -> Self {
        let image = image.to_lowercase();
        if image.contains("federal") {
            Self::Federal
        } else if image.contains("enterprise") {
            Self::Enterprise
        } else {
            Self::Community
        }
    }
}

/// A dotted version, compared number by number; of two with equal beginnings the longer one is greater.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(Vec<u64>);

impl Version {
    /// Reads `8.1.2.0`; what follows a hyphen does not count.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let numbers = text.split('-').next()?.split('.');
        let numbers = numbers
            .map(|number| number.parse().ok())
            .collect::<Option<Vec<_>>>()?;
        (numbers.len() > 1).then_some(Self(numbers))
    }

    /// Whether this is `other` or newer.
    #[must_use]
    pub fn at_least(&self, other: &[u64]) -> bool {
        self.0.as_slice().cmp(other) != Ordering::Less
    }

    /// The first three numbers, by which configuration parameters are listed.
    #[must_use]
    pub fn release(&self) -> [u64; 3] {
        let mut numbers = self.0.iter().copied().chain(std::iter::repeat(0));
        std::array::from_fn(|_| numbers.next().unwrap_or(0))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

/// The version in an image's tag.
///
/// The tag is all that follows the first colon after the first path segment; of its dotted numbers the longest counts,
/// the last of equals.
///
/// # Errors
///
/// What the tag lacks, as a sentence.
pub fn version_of(image: &str) -> Result<Version, &'static str> {
    let tag = tag_of(image);
    if tag.is_empty() || tag.eq_ignore_ascii_case("latest") {
        return Err(
            "image version is mandatory: write a tag that holds it, such as :8.1.2.0 (with a digest: name:tag@digest)",
        );
    }
    let dotted = tag
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .map(|run| run.trim_matches('.'))
        .filter(|run| !run.contains(".."))
        .filter_map(|run| Version::parse(run).map(|version| (run.len(), version)));
    dotted
        .max_by_key(|(length, _)| *length)
        .map(|(_, version)| version)
        .ok_or("invalid image version format: the tag holds no dotted number such as 8.1.2.0")
}

fn tag_of(image: &str) -> &str {
    let rest = image.split_once('/').map_or(image, |(_, rest)| rest);
    rest.split_once(':').map_or("", |(_, tag)| tag)
}

/// The server image of a spec.
///
/// # Errors
///
/// If no version can be told from it.
pub fn server(image: &str) -> Result<ServerImage, Finding> {
    match version_of(image) {
        Ok(version) => Ok(ServerImage {
            reference: image.to_owned(),
            edition: Edition::of(image),
            version,
        }),
        Err(message) => Err(Finding::invalid(
            "IMG-03",
            FieldPath::spec().child("image"),
            format!("image {image:?}: {message}"),
        )),
    }
}

/// The three parts of an init image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitImage {
    /// Registry, without a slash at the end.
    pub registry: String,
    /// Path inside it; may be empty.
    pub namespace: String,
    /// Name and tag.
    pub name_and_tag: String,
}

impl Default for InitImage {
    fn default() -> Self {
        Self {
            registry: "docker.io".to_owned(),
            namespace: "aerospike".to_owned(),
            name_and_tag: concat!("aerospike-operator:", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// The init image in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenInitImage {
    /// The whole reference.
    pub reference: String,
    /// The name in the spec that was not honoured.
    pub replaced: Option<String>,
}

/// The init image of a spec: each part from the spec, else from the installation.
#[must_use]
pub fn init(spec: &AerospikeClusterSpec, settings: &Settings) -> ChosenInitImage {
    let defaults = &settings.init_image;
    let chosen = spec
        .pod_spec
        .as_ref()
        .and_then(|pod| pod.aerospike_init_container.clone())
        .unwrap_or_default();
    let filled = |part: Option<String>| part.filter(|part| !part.is_empty());
    let named = filled(chosen.image_name_and_tag);
    let replaced = named.clone().filter(|name| is_ako_init(name));
    let name = named
        .filter(|name| !is_ako_init(name))
        .unwrap_or_else(|| defaults.name_and_tag.clone());
    let registry = filled(chosen.image_registry).unwrap_or_else(|| defaults.registry.clone());
    let namespace = chosen
        .image_registry_namespace
        .unwrap_or_else(|| defaults.namespace.clone());
    let parts = [
        registry.trim_end_matches('/'),
        namespace.trim_end_matches('/'),
        &name,
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    ChosenInitImage {
        reference: parts.join("/"),
        replaced,
    }
}

fn is_ako_init(name_and_tag: &str) -> bool {
    name_and_tag.split(':').next() == Some(AKO_INIT_NAME)
}

/// Whether two references mean the same image: a leading `docker.io/` does not count.
#[must_use]
pub fn same_image(left: &str, right: &str) -> bool {
    let bare = |image: &str| image.strip_prefix("docker.io/").unwrap_or(image).to_owned();
    bare(left) == bare(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_dotted_number_of_the_tag_is_the_version() {
        let cases = [
            ("aerospike/aerospike-server-enterprise:8.1.2.0", "8.1.2.0"),
            ("host:5000/aerospike:ee-7.2.0.6_1", "7.2.0.6"),
            ("repo:repo:6.4.0.1", "6.4.0.1"),
            ("a/b:1.2-3.4", "3.4"),
            ("a/b:8.1.2.0@sha256:1f", "8.1.2.0"),
        ];
        for (image, version) in cases {
            assert_eq!(
                version_of(image).map(|v| v.to_string()),
                Ok(version.to_owned())
            );
        }
        for image in [
            "aerospike",
            "a/b:latest",
            "a/b:LATEST",
            "host:5000/a",
            "a:v8",
        ] {
            assert!(version_of(image).is_err(), "{image}");
        }
    }

    #[test]
    fn a_longer_version_is_greater_than_its_beginning() {
        let version = |text| Version::parse(text).unwrap();
        assert!(version("6.0.0") < version("6.0.0.0"));
        assert!(version("8.1.2.0") > version("8.1.1.9"));
        assert!(version("8.1.2.0-rc1").at_least(&[8, 1, 2, 0]));
        assert_eq!(version("8.1.2.0").release(), [8, 1, 2]);
    }

    #[test]
    fn the_name_of_akos_init_image_is_replaced_and_the_registry_kept() {
        let spec = |pod: serde_json::Value| AerospikeClusterSpec {
            pod_spec: serde_json::from_value(pod).unwrap(),
            ..Default::default()
        };
        let settings = Settings::default();
        let ours = concat!("aerospike-operator:", env!("CARGO_PKG_VERSION"));
        let chosen = init(
            &spec(serde_json::json!({"aerospikeInitContainer": {
                "imageRegistry": "reg.local/", "imageRegistryNamespace": "",
                "imageNameAndTag": "aerospike-kubernetes-init:2.5.3"}})),
            &settings,
        );
        assert_eq!(chosen.reference, format!("reg.local/{ours}"));
        assert_eq!(
            chosen.replaced.as_deref(),
            Some("aerospike-kubernetes-init:2.5.3")
        );
        let plain = init(&spec(serde_json::json!({})), &settings);
        assert_eq!(plain.reference, format!("docker.io/aerospike/{ours}"));
    }
}
