//! Messages about one record.

use super::cursor::{Cursor, TooShort};

/// Bytes before the fields.
const HEADER: u8 = 22;

/// Bits of the first byte of flags.
pub mod read {
    /// It reads.
    pub const READ: u8 = 1;
    /// It reads all bins.
    pub const ALL: u8 = 1 << 1;
    /// It is a batch.
    pub const BATCH: u8 = 1 << 3;
    /// It reads no bins.
    pub const NO_BINS: u8 = 1 << 5;
}

/// Bits of the second byte of flags.
pub mod write {
    /// It writes.
    pub const WRITE: u8 = 1;
    /// It deletes.
    pub const DELETE: u8 = 1 << 1;
    /// Only if the generation is the same.
    pub const GENERATION: u8 = 1 << 2;
    /// Only if the generation is higher.
    pub const GENERATION_GREATER: u8 = 1 << 3;
    /// A delete that leaves a tombstone.
    pub const DURABLE_DELETE: u8 = 1 << 4;
    /// Only if there is no record.
    pub const CREATE_ONLY: u8 = 1 << 5;
}

/// Bits of the third byte of flags.
pub mod other {
    /// Only if there is a record.
    pub const UPDATE_ONLY: u8 = 1 << 3;
    /// All bins are replaced.
    pub const CREATE_OR_REPLACE: u8 = 1 << 4;
    /// All bins are replaced, only if there is a record.
    pub const REPLACE_ONLY: u8 = 1 << 5;
}

/// Numbers of fields.
pub mod field {
    /// The namespace.
    pub const NAMESPACE: u8 = 0;
    /// The set.
    pub const SET: u8 = 1;
    /// The hash of set and key.
    pub const DIGEST: u8 = 4;
    /// A scan's or query's number: a message with it is about many records.
    pub const QUERY: u8 = 7;
}

/// One operation on a bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// What is done.
    pub kind: u8,
    /// The type of the value.
    pub particle: u8,
    /// The bin.
    pub bin: String,
    /// The value.
    pub value: Vec<u8>,
}

/// A request or an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The three bytes of flags.
    pub flags: [u8; 3],
    /// What became of it.
    pub result: u8,
    /// The record's generation.
    pub generation: u32,
    /// Seconds to live.
    pub ttl: u32,
    /// Number and content of each field.
    pub fields: Vec<(u8, Vec<u8>)>,
    /// The operations.
    pub operations: Vec<Operation>,
}

impl Message {
    /// The message in `body`.
    ///
    /// # Errors
    ///
    /// If it ends too early.
    pub fn read(body: &[u8]) -> Result<Self, TooShort> {
        let mut cursor = Cursor::over(body);
        let length = cursor.byte()?;
        let mut header =
            Cursor::over(cursor.take(usize::from(length).checked_sub(1).ok_or(TooShort)?)?);
        let flags = header.array()?;
        let [_, result] = header.array()?;
        let (generation, ttl, _) = (header.int()?, header.int()?, header.int()?);
        let (fields, operations) = (header.short()?, header.short()?);
        let fields = (0..fields)
            .map(|_| read_field(&mut cursor))
            .collect::<Result<_, _>>()?;
        let operations = (0..operations)
            .map(|_| read_operation(&mut cursor))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            flags,
            result,
            generation,
            ttl,
            fields,
            operations,
        })
    }

    /// Its bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = vec![HEADER];
        bytes.extend_from_slice(&self.flags);
        bytes.extend_from_slice(&[0, self.result]);
        for number in [self.generation, self.ttl, 0] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        for count in [self.fields.len(), self.operations.len()] {
            bytes.extend_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
        }
        for (id, content) in &self.fields {
            write_field(&mut bytes, *id, content);
        }
        for operation in &self.operations {
            write_operation(&mut bytes, operation);
        }
        bytes
    }

    /// An answer that says only what became of it.
    #[must_use]
    pub fn result(result: u8) -> Self {
        Self {
            result,
            ..Self::default()
        }
    }

    /// The content of a field.
    #[must_use]
    pub fn field(&self, id: u8) -> Option<&[u8]> {
        self.fields
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, content)| content.as_slice())
    }

    /// The content of a field as text.
    #[must_use]
    pub fn text(&self, id: u8) -> Option<String> {
        self.field(id)
            .map(|content| String::from_utf8_lossy(content).into_owned())
    }
}

fn read_field(cursor: &mut Cursor<'_>) -> Result<(u8, Vec<u8>), TooShort> {
    let (id, content) = cursor.sized()?.split_first().ok_or(TooShort)?;
    Ok((*id, content.to_vec()))
}

fn read_operation(cursor: &mut Cursor<'_>) -> Result<Operation, TooShort> {
    let mut body = Cursor::over(cursor.sized()?);
    let [kind, particle, _, length] = body.array()?;
    let bin = String::from_utf8_lossy(body.take(usize::from(length))?).into_owned();
    let mut value = Vec::new();
    while let Ok(byte) = body.byte() {
        value.push(byte);
    }
    Ok(Operation {
        kind,
        particle,
        bin,
        value,
    })
}

fn write_field(bytes: &mut Vec<u8>, id: u8, content: &[u8]) {
    let length = u32::try_from(content.len() + 1).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.push(id);
    bytes.extend_from_slice(content);
}

fn write_operation(bytes: &mut Vec<u8>, operation: &Operation) {
    let length = u32::try_from(operation.bin.len() + operation.value.len() + 4).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    let name = u8::try_from(operation.bin.len()).unwrap_or(u8::MAX);
    bytes.extend_from_slice(&[operation.kind, operation.particle, 0, name]);
    bytes.extend_from_slice(operation.bin.as_bytes());
    bytes.extend_from_slice(&operation.value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_written_message_reads_back() {
        let operation = Operation {
            kind: 2,
            particle: 1,
            bin: "n".to_owned(),
            value: vec![0; 8],
        };
        let fields = vec![
            (field::NAMESPACE, b"test".to_vec()),
            (field::DIGEST, vec![7; 20]),
        ];
        let message = Message {
            flags: [0, 1, 0],
            fields,
            operations: vec![operation],
            ..Message::default()
        };
        assert_eq!(Message::read(&message.write()), Ok(message));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Message::read(&body);
        }
    }
}
