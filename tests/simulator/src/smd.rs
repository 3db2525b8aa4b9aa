//! Metadata that all nodes of a cluster share: users, roles, rosters. The newer of two versions of an item wins.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An item, or the mark that it was removed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    generation: u64,
    stamp: u64,
    value: Option<Value>,
}

/// Items by key.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Smd(BTreeMap<String, Item>);

impl Smd {
    /// Whether it never held anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The item at `key`.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let value = self.0.get(key)?.value.clone()?;
        serde_json::from_value(value).ok()
    }

    /// Whether there is an item at `key`.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|item| item.value.is_some())
    }

    /// The names of the items of a `family`, which is what stands before the slash of a key.
    pub fn names<'a>(&'a self, family: &'a str) -> impl Iterator<Item = &'a str> {
        let present = self.0.iter().filter(|(_, item)| item.value.is_some());
        present.filter_map(move |(key, _)| key.strip_prefix(family)?.strip_prefix('/'))
    }

    /// How new the item at `key` is.
    #[must_use]
    pub fn age(&self, key: &str) -> (u64, u64) {
        let item = self.0.get(key);
        item.map_or((0, 0), |item| (item.generation, item.stamp))
    }

    /// Puts an item at `key`; `now` decides between two that were put elsewhere at once.
    pub fn put<T: Serialize>(&mut self, key: &str, value: &T, now: u64) {
        self.store(key, serde_json::to_value(value).ok(), now);
    }

    /// Puts an item that gives way to any other, ever put.
    pub fn put_default<T: Serialize>(&mut self, key: &str, value: &T) {
        let value = serde_json::to_value(value).ok();
        self.0.entry(key.to_owned()).or_insert(Item {
            generation: 0,
            stamp: 0,
            value,
        });
    }

    /// Removes the item at `key`.
    pub fn remove(&mut self, key: &str, now: u64) {
        self.store(key, None, now);
    }

    fn store(&mut self, key: &str, value: Option<Value>, stamp: u64) {
        let generation = self.0.get(key).map_or(0, |item| item.generation) + 1;
        self.0.insert(
            key.to_owned(),
            Item {
                generation,
                stamp,
                value,
            },
        );
    }

    /// Takes over what is newer elsewhere; whether anything was.
    pub fn merge(&mut self, other: Self) -> bool {
        let mut changed = false;
        for (key, theirs) in other.0 {
            let age = |item: &Item| (item.generation, item.stamp);
            let newer = self.0.get(&key).is_none_or(|mine| age(mine) < age(&theirs));
            if newer {
                self.0.insert(key, theirs);
            }
            changed |= newer;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_node_learns_and_what_it_made_up_itself_gives_way() {
        let mut old = Smd::default();
        old.put_default("user/admin", &"default");
        old.put("user/admin", &"changed", 5);
        old.put("user/app", &"app", 6);
        old.remove("user/app", 7);
        let mut fresh = Smd::default();
        fresh.put_default("user/admin", &"default");
        assert!(fresh.merge(old.clone()));
        assert!(!old.merge(fresh.clone()));
        assert_eq!(
            fresh.get::<String>("user/admin").as_deref(),
            Some("changed")
        );
        assert!(fresh.names("user").eq(["admin"]));
    }
}
