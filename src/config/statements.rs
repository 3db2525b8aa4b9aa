//! The rendered configuration as statements, each with the sections around it, and in what two texts differ. Two ways to
//! write one configuration render to one text, so that nothing but what the server reads is compared.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::render::is_typed;

/// What stands between the parts of a key's text.
const BETWEEN: &str = " > ";

/// A statement's place: the titles of the sections around it, and its name, which is empty for a section itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Such as `namespace test`, from the outermost.
    pub sections: Vec<String>,
    /// Such as `default-ttl`.
    pub name: String,
}

impl Key {
    /// Reads what [`Key`] prints.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut parts: Vec<_> = text.split(BETWEEN).map(str::to_owned).collect();
        let name = parts.pop().unwrap_or_default();
        Self {
            sections: parts,
            name,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for section in &self.sections {
            write!(f, "{section}{BETWEEN}")?;
        }
        f.write_str(&self.name)
    }
}

/// The statements of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statements(BTreeMap<Key, Vec<String>>);

impl Statements {
    /// Reads a text as [`super::render::template`] writes it.
    #[must_use]
    pub fn read(template: &str) -> Self {
        let mut read = Self::default();
        let mut sections = Vec::new();
        for line in template.lines().map(str::trim) {
            if line == "}" {
                sections.pop();
            } else if let Some(title) = line.strip_suffix(" {") {
                sections.push(title.to_owned());
                read.note_section(&sections);
            } else if let Some((name, value)) = line.split_once(char::is_whitespace) {
                read.note(&sections, name, value.trim());
            }
        }
        read
    }

    /// A section without a name of its own is there or not as its statements are; but at the top it switches something on.
    fn note_section(&mut self, sections: &[String]) {
        let is_named = sections.last().is_some_and(|title| title.contains(' '));
        if is_named || sections.len() == 1 {
            self.values_of(sections, "");
        }
    }

    fn note(&mut self, sections: &[String], name: &str, value: &str) {
        if is_typed(name) {
            let section = format!("{name} {value}");
            self.note_section(&[sections, &[section]].concat());
        } else {
            self.values_of(sections, name).push(value.to_owned());
        }
    }

    fn values_of(&mut self, sections: &[String], name: &str) -> &mut Vec<String> {
        let key = Key {
            sections: sections.to_vec(),
            name: name.to_owned(),
        };
        self.0.entry(key).or_default()
    }

    /// The values of a statement, in the order of the text; none where there is none.
    #[must_use]
    pub fn values(&self, key: &Key) -> &[String] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// The statements and sections that only one has, or with other values.
    #[must_use]
    pub fn difference(&self, other: &Self) -> BTreeSet<Key> {
        let keys = self.0.keys().chain(other.0.keys());
        keys.filter(|key| self.0.get(key) != other.0.get(key))
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
service {
    proto-fd-max    15000
}

namespace test {
    default-ttl    0
    storage-engine    memory

    set demo {
        enable-index    true
    }
}
";

    fn keys(one: &str, other: &str) -> Vec<String> {
        let difference = Statements::read(one).difference(&Statements::read(other));
        difference.iter().map(Key::to_string).collect()
    }

    #[test]
    fn a_text_differs_from_itself_in_nothing_and_from_others_where_they_differ() {
        assert_eq!(keys(TEXT, TEXT), [""; 0]);
        let other = TEXT
            .replace("15000", "15001")
            .replace("    default-ttl    0\n", "");
        let told = ["namespace test > default-ttl", "service > proto-fd-max"];
        assert_eq!(keys(TEXT, &other), told);
        assert_eq!(keys(&other, TEXT), told);
    }

    #[test]
    fn a_section_with_a_name_is_something_itself() {
        let other = TEXT.replace("set demo", "set other");
        let told = [
            "namespace test > set demo > ",
            "namespace test > set demo > enable-index",
            "namespace test > set other > ",
            "namespace test > set other > enable-index",
        ];
        assert_eq!(keys(TEXT, &other), told);
        assert_eq!(
            keys(TEXT, &format!("{TEXT}\nsecurity {{\n}}\n")),
            ["security > "]
        );
    }

    #[test]
    fn an_engine_is_the_same_with_and_without_braces() {
        let braces = "    storage-engine memory {\n        defrag-lwm-pct    55\n    }";
        let other = TEXT.replace("    storage-engine    memory", braces);
        let told = ["namespace test > storage-engine memory > defrag-lwm-pct"];
        assert_eq!(keys(TEXT, &other), told);
    }

    #[test]
    fn a_key_is_read_as_it_is_printed() {
        for key in Statements::read(TEXT).0.keys() {
            assert_eq!(Key::parse(&key.to_string()), *key);
        }
    }
}
