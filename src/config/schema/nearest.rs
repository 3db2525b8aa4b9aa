//! What an unknown name may have been meant to be.

use std::collections::BTreeMap;

use crate::{
    config::parameters::{Kind, Node, Release},
    nearest_name::nearest_name,
};

/// So many sections are named to which a name belongs.
const MOST_SECTIONS: usize = 3;

/// The member of `section` in `release` that may have been meant by `name`.
pub(super) fn similar(section: &Node, name: &str, release: Release) -> Option<&'static str> {
    nearest_name(name, section.members_in(release).map(|member| member.name))
}

/// The sections that have a member `name` in `release`, as `namespaces[].storage-engine (type device or pmem)`.
pub(super) fn sections_with(name: &str, release: Release) -> Vec<String> {
    let mut found = BTreeMap::new();
    collect(Node::root(), name, release, "", &mut found);
    let told = found.into_iter().take(MOST_SECTIONS);
    told.map(|(section, types)| match types.as_slice() {
        _ if section.is_empty() => "the top level".to_owned(),
        [] => section,
        types => format!("{section} (type {})", types.join(" or ")),
    })
    .collect()
}

fn collect(
    node: &'static Node,
    name: &str,
    release: Release,
    path: &str,
    found: &mut BTreeMap<String, Vec<&'static str>>,
) {
    for member in node.members_in(release) {
        let kind = member.parameter(release).map(|parameter| parameter.kind);
        if member.name == name {
            found.entry(path.to_owned()).or_default();
        }
        let below = match kind {
            Some(Kind::Sections) => format!("{path}{}{}[]", dot(path), member.name),
            Some(Kind::Section | Kind::Variant) => format!("{path}{}{}", dot(path), member.name),
            _ => continue,
        };
        if kind == Some(Kind::Variant) {
            for of_type in member.members_in(release) {
                if of_type
                    .member(name)
                    .is_some_and(|it| it.parameter(release).is_some())
                {
                    found.entry(below.clone()).or_default().push(of_type.name);
                }
            }
        } else {
            collect(member, name, release, &below, found);
        }
    }
}

fn dot(path: &str) -> &'static str {
    if path.is_empty() { "" } else { "." }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_seen() {
        let release = Release::parse("8.1.2").unwrap();
        let service = Node::root().member("service").unwrap();
        let cases = [
            ("proto-fd-maxx", Some("proto-fd-max")),
            ("feature-key-fil", Some("feature-key-file")),
            ("clustername", Some("cluster-name")),
            ("port", None),
            ("", None),
        ];
        for (given, meant) in cases {
            assert_eq!(similar(service, given, release), meant, "{given}");
        }
        assert_eq!(similar(service, &"x".repeat(9000), release), None);
    }

    #[test]
    fn a_name_is_found_in_its_sections() {
        let release = Release::parse("8.1.2").unwrap();
        assert_eq!(sections_with("proto-fd-max", release), ["service"]);
        assert_eq!(sections_with("send-threads", release), ["network.fabric"]);
        assert_eq!(sections_with("rack-id", release), ["namespaces[]"]);
        assert_eq!(sections_with("mod-lua", release), ["the top level"]);
        assert_eq!(
            sections_with("mounts-budget", release),
            [
                "namespaces[].index-type (type flash or pmem)",
                "namespaces[].sindex-type (type flash or pmem)"
            ]
        );
        assert_eq!(sections_with("nothing", release), [""; 0]);
    }
}
