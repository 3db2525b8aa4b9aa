//! Lists inside info values: `k=v;k=v`, plain names, peers.

use std::str::FromStr;

/// A key that is not there, or not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not there.
    #[error("{key} is missing")]
    Missing {
        /// The key.
        key: String,
    },
    /// Not of the type that it has in every server version.
    #[error("{key} is {value:?}, expected {expected}")]
    Invalid {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Not a list of peers.
    #[error("a list of peers does not read <generation>,<port>,[…] at {rest:?}")]
    Peers {
        /// From where on.
        rest: String,
    },
}

/// `k=v;k=v;…`, as `statistics`, `namespace/<ns>` and `get-config` answer; a value may hold further `=`.
#[derive(Clone, Debug)]
pub struct Pairs<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Pairs<'a> {
    /// Pairs that semicolons part.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self::parted_by(text, ';')
    }

    /// Pairs that `separator` parts, such as the colon of `sets/<ns>`.
    #[must_use]
    pub fn parted_by(text: &'a str, separator: char) -> Self {
        let pairs = text.split(separator);
        Self(pairs.filter_map(|pair| pair.split_once('=')).collect())
    }

    /// Keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().copied()
    }

    /// Every value of a key that may be repeated, such as `service.address`.
    pub fn all(&self, key: &str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// The first value of `key`.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.all(key).next()
    }

    /// The value of a key that is always there.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn required(&self, key: &str) -> Result<&'a str, Error> {
        let missing = || Error::Missing {
            key: key.to_owned(),
        };
        self.text(key).ok_or_else(missing)
    }

    /// The number under a key that is always there.
    ///
    /// # Errors
    ///
    /// When it is missing, or no number of this type.
    pub fn number<T: FromStr>(&self, key: &str) -> Result<T, Error> {
        let value = self.required(key)?;
        value.parse().map_err(|_| invalid(key, value, "a number"))
    }

    /// The number under a key that some versions do not have.
    ///
    /// # Errors
    ///
    /// When it is there and no number of this type.
    pub fn optional_number<T: FromStr>(&self, key: &str) -> Result<Option<T>, Error> {
        self.text(key).map(|_| self.number(key)).transpose()
    }

    /// The boolean under a key that is always there.
    ///
    /// # Errors
    ///
    /// When it is missing, or neither `true` nor `false`.
    pub fn flag(&self, key: &str) -> Result<bool, Error> {
        match self.required(key)? {
            "true" => Ok(true),
            "false" => Ok(false),
            value => Err(invalid(key, value, "true or false")),
        }
    }
}

fn invalid(key: &str, value: &str, expected: &'static str) -> Error {
    Error::Invalid {
        key: key.to_owned(),
        value: value.to_owned(),
        expected,
    }
}

/// The names in a list such as `bar;test`; an unset list reads `null`.
pub fn names(text: &str, separator: char) -> impl Iterator<Item = &str> {
    text.split(separator)
        .filter(|name| !matches!(*name, "" | "null"))
}

/// What a node says about the others, as `peers-clear-std` and its like answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peers {
    /// Rises with every change.
    pub generation: u64,
    /// The port of addresses that name none.
    pub default_port: u16,
    /// The others.
    pub nodes: Vec<Peer>,
}

/// Another node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its id.
    pub node: String,
    /// The name in its certificate; empty without TLS.
    pub tls_name: String,
    /// Where it can be reached; `[…]` around IPv6, the port left out where it is the default.
    pub addresses: Vec<String>,
}

impl FromStr for Peers {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut input = Scanner(text);
        let generation = input.number()?;
        input.expect(",")?;
        let default_port = input.number()?;
        input.expect(",[")?;
        let nodes = input.list(Scanner::peer)?;
        if !input.0.is_empty() {
            return Err(input.error());
        }
        Ok(Self {
            generation,
            default_port,
            nodes,
        })
    }
}

struct Scanner<'a>(&'a str);

impl<'a> Scanner<'a> {
    fn error(&self) -> Error {
        let rest = self.0.chars().take(40).collect();
        Error::Peers { rest }
    }

    fn expect(&mut self, token: &str) -> Result<(), Error> {
        self.0 = self.0.strip_prefix(token).ok_or_else(|| self.error())?;
        Ok(())
    }

    fn until(&mut self, stop: &[char]) -> &'a str {
        let end = self.0.find(stop).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        token
    }

    fn number<T: FromStr>(&mut self) -> Result<T, Error> {
        let error = self.error();
        self.until(&[',']).parse().map_err(|_| error)
    }

    /// Items up to the closing bracket; the opening one has been read.
    fn list<T>(&mut self, item: fn(&mut Self) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        if self.expect("]").is_ok() {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.expect("]").is_ok() {
                return Ok(items);
            }
            self.expect(",")?;
        }
    }

    fn peer(&mut self) -> Result<Peer, Error> {
        self.expect("[")?;
        let node = self.until(&[',', ']']).to_owned();
        self.expect(",")?;
        let tls_name = self.until(&[',', ']']).to_owned();
        self.expect(",[")?;
        let addresses = self.list(Self::address)?;
        self.expect("]")?;
        Ok(Peer {
            node,
            tls_name,
            addresses,
        })
    }

    /// An address may itself stand in brackets.
    fn address(&mut self) -> Result<String, Error> {
        let start = self.0;
        if self.expect("[").is_ok() {
            self.until(&[']']);
            self.expect("]")?;
        }
        self.until(&[',', ']']);
        let length = start.len() - self.0.len();
        if length == 0 {
            return Err(self.error());
        }
        Ok(start[..length].to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_first_equals_sign_parts_a_pair() {
        let pairs = Pairs::new("a=1;query=(uid=%u);flag=true;;odd;address=x;address=y");
        assert_eq!(pairs.text("query"), Some("(uid=%u)"));
        assert_eq!(pairs.number::<u32>("a"), Ok(1));
        assert_eq!(pairs.flag("flag"), Ok(true));
        assert_eq!(pairs.all("address").collect::<Vec<_>>(), ["x", "y"]);
    }

    #[test]
    fn a_missing_or_odd_value_is_named() {
        let pairs = Pairs::new("a=x");
        let missing = Error::Missing { key: "b".into() };
        assert_eq!(pairs.number::<u32>("b"), Err(missing));
        assert_eq!(pairs.flag("a"), Err(invalid("a", "x", "true or false")));
        assert_eq!(pairs.optional_number::<u32>("b"), Ok(None));
    }

    #[test]
    fn unset_lists_are_empty() {
        assert_eq!(names("null", ',').count(), 0);
        assert_eq!(names("", ';').count(), 0);
        assert_eq!(names("bar;test", ';').collect::<Vec<_>>(), ["bar", "test"]);
    }

    fn peer(node: &str, tls_name: &str, addresses: &[&str]) -> Peer {
        Peer {
            node: node.into(),
            tls_name: tls_name.into(),
            addresses: addresses.iter().map(|a| (*a).to_owned()).collect(),
        }
    }

    #[test]
    fn peers_are_read() {
        let text = "4,3000,[[A2,,[127.0.0.2]],[A3,prod,[127.0.0.3:3100,[::1]:3000,[fe80::2]]]]";
        let nodes = vec![
            peer("A2", "", &["127.0.0.2"]),
            peer("A3", "prod", &["127.0.0.3:3100", "[::1]:3000", "[fe80::2]"]),
        ];
        let expected = Peers {
            generation: 4,
            default_port: 3000,
            nodes,
        };
        assert_eq!(text.parse(), Ok(expected));
        let alone = Peers {
            generation: 4,
            default_port: 3000,
            nodes: vec![],
        };
        assert_eq!("4,3000,[]".parse(), Ok(alone));
    }

    #[test]
    fn every_cut_list_of_peers_is_refused() {
        let text = "4,3000,[[A2,,[127.0.0.2]],[A3,,[[::1]:3000]]]";
        for end in 0..text.len() {
            assert!(text[..end].parse::<Peers>().is_err(), "{}", &text[..end]);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9,\\[\\]A:é]{0,40}") {
            let _ = text.parse::<Peers>();
            let _ = format!("1,2,[[{text}").parse::<Peers>();
        }
    }
}
