//! What a section needs, in the table's notation: groups with a blank between them, which all must hold. `all:a,b` names
//! members, `any:a,b/c` alternatives of which at least one is complete, `one:a/b` alternatives of which exactly one is.

/// A group that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// A member is missing.
    Member(&'static str),
    /// No alternative of these is complete.
    Alternatives(&'static str),
    /// More than one alternative of these is complete.
    TooMany(&'static str),
}

/// The groups that do not hold of a section that has the members of which `has` is true.
pub(super) fn lacks(groups: &'static str, has: impl Fn(&str) -> bool) -> Vec<Lack> {
    let mut lacks = Vec::new();
    for group in groups.split(' ') {
        match group.split_once(':') {
            Some(("all", names)) => {
                let missing = members(names).filter(|name| !has(name));
                lacks.extend(missing.map(Lack::Member));
            }
            Some((rule, names)) => {
                let complete = alternatives(names).filter(|names| members(names).all(&has));
                match complete.count() {
                    0 => lacks.push(Lack::Alternatives(names)),
                    2.. if rule == "one" => lacks.push(Lack::TooMany(names)),
                    _ => {}
                }
            }
            None => {}
        }
    }
    lacks
}

/// The alternatives of a group.
pub(super) fn alternatives(names: &'static str) -> impl Iterator<Item = &'static str> {
    names.split('/')
}

/// The members of an alternative.
pub(super) fn members(names: &'static str) -> impl Iterator<Item = &'static str> {
    names.split(',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(groups: &'static str, given: &[&str]) -> Vec<Lack> {
        lacks(groups, |name| given.contains(&name))
    }

    #[test]
    fn every_listed_member_is_there() {
        assert_eq!(of("all:a,b", &["a", "b"]), []);
        assert_eq!(of("all:a,b", &["b", "c"]), [Lack::Member("a")]);
        assert_eq!(of("", &[]), []);
    }

    #[test]
    fn one_alternative_at_least_is_complete() {
        let groups = "any:a,b/c";
        assert_eq!(of(groups, &["c"]), []);
        assert_eq!(of(groups, &["a", "b", "c"]), []);
        assert_eq!(of(groups, &["a"]), [Lack::Alternatives("a,b/c")]);
    }

    #[test]
    fn one_alternative_and_no_other_is_complete() {
        let groups = "all:t one:a/b";
        assert_eq!(of(groups, &["t", "a"]), []);
        assert_eq!(
            of(groups, &["a", "b"]),
            [Lack::Member("t"), Lack::TooMany("a/b")]
        );
    }
}
