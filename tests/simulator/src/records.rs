//! Records of one node, and what a message does to one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::wire::record::{Message, Operation, other, read, write};

/// The hash of set and key.
pub type Digest = [u8; 20];

/// Results of the protocol.
pub mod result {
    /// Done.
    pub const OK: u8 = 0;
    /// No such record.
    pub const NOT_FOUND: u8 = 2;
    /// Not that generation.
    pub const GENERATION: u8 = 3;
    /// A message that makes no sense.
    pub const PARAMETER: u8 = 4;
    /// There is a record.
    pub const EXISTS: u8 = 5;
    /// There is no room.
    pub const FULL: u8 = 8;
    /// The server gave up, and does not know what became of it.
    pub const TIMEOUT: u8 = 9;
    /// Not an operation for this type of value.
    pub const INCOMPATIBLE_TYPE: u8 = 12;
    /// Nobody has the partition.
    pub const UNAVAILABLE: u8 = 11;
    /// No such namespace.
    pub const NAMESPACE: u8 = 20;
    /// Not with this configuration.
    pub const FORBIDDEN: u8 = 22;
    /// Not in the Community Edition.
    pub const ENTERPRISE_ONLY: u8 = 25;
}

/// Kinds of operations.
mod operation {
    pub const READ: u8 = 1;
    pub const WRITE: u8 = 2;
    pub const INCREMENT: u8 = 5;
    pub const APPEND: u8 = 9;
    pub const PREPEND: u8 = 10;
    pub const TOUCH: u8 = 11;
    pub const DELETE: u8 = 14;
}

const NIL: u8 = 0;
const INTEGER: u8 = 1;

/// A named value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bin {
    name: String,
    particle: u8,
    value: Vec<u8>,
}

/// A record, or the mark that there was one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its set.
    pub set: String,
    /// How often it was written.
    pub generation: u32,
    /// When it was written, in milliseconds; of two copies the later one counts.
    pub changed: u64,
    /// Whether it is only the mark of a delete.
    pub deleted: bool,
    pub(crate) bins: Vec<Bin>,
}

/// What a message does to a record.
#[derive(Debug, PartialEq, Eq)]
pub struct Effect {
    /// The answer to the client.
    pub answer: Message,
    /// The record afterwards, if it changed.
    pub record: Option<Record>,
}

/// Whether a message wants to change something.
#[must_use]
pub fn is_write(message: &Message) -> bool {
    message.flags[1] & (write::WRITE | write::DELETE) != 0
}

/// What `message` does to `old`, the record as it is, at `now`.
#[must_use]
pub fn apply(message: &Message, old: Option<&Record>, set: &str, now: u64) -> Effect {
    let old = old.filter(|record| !record.deleted);
    let effect = if is_write(message) {
        change(message, old, set, now)
    } else {
        look(message, old)
    };
    effect.unwrap_or_else(|result| Effect {
        answer: Message::result(result),
        record: None,
    })
}

fn look(message: &Message, old: Option<&Record>) -> Result<Effect, u8> {
    let record = old.ok_or(result::NOT_FOUND)?;
    let answer = Message {
        operations: wanted(message, record),
        ..header(record)
    };
    Ok(Effect {
        answer,
        record: None,
    })
}

fn header(record: &Record) -> Message {
    Message {
        generation: record.generation,
        ..Message::default()
    }
}

fn wanted(message: &Message, record: &Record) -> Vec<Operation> {
    let flags = message.flags[0];
    if flags & read::NO_BINS != 0 {
        return Vec::new();
    }
    let named = |name: &str| {
        message
            .operations
            .iter()
            .any(|it| it.kind == operation::READ && it.bin == name)
    };
    let all = flags & read::ALL != 0;
    let bins = record.bins.iter().filter(|bin| all || named(&bin.name));
    bins.map(|bin| Operation {
        kind: operation::READ,
        particle: bin.particle,
        bin: bin.name.clone(),
        value: bin.value.clone(),
    })
    .collect()
}

fn change(message: &Message, old: Option<&Record>, set: &str, now: u64) -> Result<Effect, u8> {
    permitted(message, old)?;
    let [reads, writes, others] = message.flags;
    if writes & write::DELETE != 0 {
        let record = old.ok_or(result::NOT_FOUND)?;
        let gone = Record {
            deleted: true,
            bins: Vec::new(),
            ..next(Some(record), set, now)
        };
        return Ok(Effect {
            answer: header(record),
            record: Some(gone),
        });
    }
    let mut record = next(old, set, now);
    if others & (other::CREATE_OR_REPLACE | other::REPLACE_ONLY) != 0 {
        record.bins.clear();
    }
    for operation in &message.operations {
        record.operate(operation, old.is_some())?;
    }
    record.deleted = record.bins.is_empty();
    let read = reads & read::READ != 0;
    let operations = if read {
        wanted(message, &record)
    } else {
        Vec::new()
    };
    Ok(Effect {
        answer: Message {
            operations,
            ..header(&record)
        },
        record: Some(record),
    })
}

fn permitted(message: &Message, old: Option<&Record>) -> Result<(), u8> {
    let [_, writes, others] = message.flags;
    let generation = old.map_or(0, |record| record.generation);
    let asked = message.generation;
    if writes & write::CREATE_ONLY != 0 && old.is_some() {
        return Err(result::EXISTS);
    }
    if others & (other::UPDATE_ONLY | other::REPLACE_ONLY) != 0 && old.is_none() {
        return Err(result::NOT_FOUND);
    }
    let other = writes & write::GENERATION != 0 && asked != generation;
    let lower = writes & write::GENERATION_GREATER != 0 && asked <= generation;
    if old.is_some() && (other || lower) {
        Err(result::GENERATION)
    } else {
        Ok(())
    }
}

fn next(old: Option<&Record>, set: &str, now: u64) -> Record {
    let record = old.cloned().unwrap_or_else(|| Record {
        set: set.to_owned(),
        ..Record::default()
    });
    Record {
        generation: record.generation + 1,
        changed: now.max(record.changed + 1),
        ..record
    }
}

impl Record {
    fn operate(&mut self, operation: &Operation, existed: bool) -> Result<(), u8> {
        match operation.kind {
            operation::READ => Ok(()),
            operation::TOUCH if existed => Ok(()),
            operation::TOUCH => Err(result::NOT_FOUND),
            operation::DELETE => {
                self.bins.clear();
                Ok(())
            }
            operation::WRITE => {
                self.put(operation);
                Ok(())
            }
            operation::INCREMENT | operation::APPEND | operation::PREPEND => {
                self.combine(operation)
            }
            _ => Err(result::PARAMETER),
        }
    }

    fn put(&mut self, operation: &Operation) {
        self.bins.retain(|bin| bin.name != operation.bin);
        if operation.particle != NIL {
            let (name, value) = (operation.bin.clone(), operation.value.clone());
            self.bins.push(Bin {
                name,
                particle: operation.particle,
                value,
            });
        }
    }

    fn combine(&mut self, operation: &Operation) -> Result<(), u8> {
        let Some(bin) = self.bins.iter_mut().find(|bin| bin.name == operation.bin) else {
            self.put(operation);
            return Ok(());
        };
        if bin.particle != operation.particle {
            return Err(result::INCOMPATIBLE_TYPE);
        }
        bin.value = match operation.kind {
            operation::INCREMENT => sum(bin, operation).ok_or(result::INCOMPATIBLE_TYPE)?,
            operation::APPEND => [bin.value.as_slice(), &operation.value].concat(),
            _ => [operation.value.as_slice(), &bin.value].concat(),
        };
        Ok(())
    }
}

fn sum(bin: &Bin, operation: &Operation) -> Option<Vec<u8>> {
    let integer = |value: &[u8]| value.try_into().ok().map(i64::from_be_bytes);
    let numbers = (integer(&bin.value)?, integer(&operation.value)?);
    let sum = numbers.0.wrapping_add(numbers.1);
    (bin.particle == INTEGER).then(|| sum.to_be_bytes().to_vec())
}

/// What changed since somebody asked.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// Namespaces in which copies were dropped: only all that is left tells.
    pub rewritten: BTreeSet<String>,
    changed: Vec<(String, Digest)>,
    records: Vec<Record>,
}

impl Journal {
    /// The changes in a namespace, in order.
    #[must_use]
    pub fn changes_of(&self, namespace: &str) -> Vec<(Digest, Record)> {
        let changes = self
            .changed
            .iter()
            .zip(&self.records)
            .filter(|((name, _), _)| name == namespace);
        changes
            .map(|((_, digest), record)| (*digest, record.clone()))
            .collect()
    }
}

/// The copies that a node holds.
#[derive(Debug, Clone, Default)]
pub struct Records {
    namespaces: BTreeMap<String, HashMap<Digest, Record>>,
    journal: Option<Journal>,
}

impl Records {
    /// The copy of a record.
    #[must_use]
    pub fn get(&self, namespace: &str, digest: &Digest) -> Option<&Record> {
        self.namespaces.get(namespace)?.get(digest)
    }

    /// Keeps a copy, unless a later one is here.
    pub fn keep(&mut self, namespace: &str, digest: Digest, record: Record) {
        let copies = self.namespaces.entry(namespace.to_owned()).or_default();
        let age = |record: &Record| (record.changed, record.generation);
        if copies
            .get(&digest)
            .is_none_or(|mine| age(mine) < age(&record))
        {
            if let Some(journal) = &mut self.journal {
                journal.changed.push((namespace.to_owned(), digest));
                journal.records.push(record.clone());
            }
            copies.insert(digest, record);
        }
    }

    /// What changed since the last call; nothing is kept for one before the first.
    pub fn take_journal(&mut self) -> Journal {
        self.journal.replace(Journal::default()).unwrap_or_default()
    }

    /// All copies in a namespace.
    pub fn all(&self, namespace: &str) -> impl Iterator<Item = (&Digest, &Record)> {
        self.namespaces.get(namespace).into_iter().flatten()
    }

    /// Drops the copies of a namespace for which `keep` says no.
    pub fn retain(&mut self, namespace: &str, keep: impl Fn(&Digest, &Record) -> bool) {
        let Some(copies) = self.namespaces.get_mut(namespace) else {
            return;
        };
        let before = copies.len();
        copies.retain(|digest, record| keep(digest, record));
        if let (Some(journal), true) = (&mut self.journal, copies.len() < before) {
            journal.rewritten.insert(namespace.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(value: &[u8]) -> Message {
        let operation = Operation {
            kind: operation::WRITE,
            particle: INTEGER,
            bin: "n".to_owned(),
            value: value.to_vec(),
        };
        Message {
            flags: [0, write::WRITE, 0],
            operations: vec![operation],
            ..Message::default()
        }
    }

    fn written(message: &Message, old: Option<&Record>) -> Record {
        apply(message, old, "s", 10).record.unwrap()
    }

    #[test]
    fn a_written_record_is_read_back_with_its_generation() {
        let record = written(&put(&[0; 8]), None);
        let record = written(&put(&[1; 8]), Some(&record));
        let get = Message {
            flags: [read::READ | read::ALL, 0, 0],
            ..Message::default()
        };
        let answer = apply(&get, Some(&record), "s", 11).answer;
        assert_eq!(
            (answer.generation, answer.operations[0].value.as_slice()),
            (2, &[1; 8][..])
        );
        assert_eq!(apply(&get, None, "s", 11).answer.result, result::NOT_FOUND);
    }

    #[test]
    fn a_deleted_record_is_gone_and_its_mark_stays() {
        let record = written(&put(&[0; 8]), None);
        let delete = Message {
            flags: [0, write::WRITE | write::DELETE, 0],
            ..Message::default()
        };
        let gone = written(&delete, Some(&record));
        assert!(gone.deleted && gone.changed > record.changed);
        assert_eq!(
            apply(&delete, Some(&gone), "s", 12).answer.result,
            result::NOT_FOUND
        );
    }

    #[test]
    fn conditions_on_a_write_are_kept() {
        let record = written(&put(&[0; 8]), None);
        let create = Message {
            flags: [0, write::WRITE | write::CREATE_ONLY, 0],
            ..put(&[0; 8])
        };
        assert_eq!(
            apply(&create, Some(&record), "s", 1).answer.result,
            result::EXISTS
        );
        let update = Message {
            flags: [0, write::WRITE, other::UPDATE_ONLY],
            ..put(&[0; 8])
        };
        assert_eq!(
            apply(&update, None, "s", 1).answer.result,
            result::NOT_FOUND
        );
        let same = Message {
            flags: [0, write::WRITE | write::GENERATION, 0],
            generation: 7,
            ..put(&[0; 8])
        };
        assert_eq!(
            apply(&same, Some(&record), "s", 1).answer.result,
            result::GENERATION
        );
    }

    #[test]
    fn the_later_of_two_copies_is_kept() {
        let mut records = Records::default();
        let (old, new) = (
            Record {
                changed: 1,
                ..Record::default()
            },
            Record {
                changed: 2,
                ..Record::default()
            },
        );
        records.keep("test", [0; 20], new.clone());
        records.keep("test", [0; 20], old);
        assert_eq!(records.get("test", &[0; 20]), Some(&new));
    }
}
