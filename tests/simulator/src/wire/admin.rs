//! Messages of login and of the administration of users.

use super::cursor::{Cursor, TooShort};

/// Bytes before the fields.
const SUB_HEADER: usize = 16;

/// Numbers of fields.
pub mod field {
    /// A user's name.
    pub const USER: u8 = 0;
    /// A password's hash.
    pub const PASSWORD: u8 = 1;
    /// The hash of the password before.
    pub const OLD_PASSWORD: u8 = 2;
    /// A hash to log in with.
    pub const CREDENTIAL: u8 = 3;
    /// A session's token.
    pub const SESSION_TOKEN: u8 = 5;
    /// Seconds that a session lasts.
    pub const SESSION_TTL: u8 = 6;
    /// Names of roles.
    pub const ROLES: u8 = 10;
    /// A role's name.
    pub const ROLE: u8 = 11;
    /// Privileges.
    pub const PRIVILEGES: u8 = 12;
    /// Addresses that may use a role.
    pub const WHITELIST: u8 = 13;
    /// Reads a second.
    pub const READ_QUOTA: u8 = 14;
    /// Writes a second.
    pub const WRITE_QUOTA: u8 = 15;
    /// Figures about reads.
    pub const READ_STATISTICS: u8 = 16;
    /// Figures about writes.
    pub const WRITE_STATISTICS: u8 = 17;
    /// Connections in use.
    pub const CONNECTIONS: u8 = 18;
}

/// A request.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Which command.
    pub command: u8,
    /// Number and content of each field.
    pub fields: Vec<(u8, Vec<u8>)>,
}

impl Request {
    /// The request in `body`.
    ///
    /// # Errors
    ///
    /// If it ends too early.
    pub fn read(body: &[u8]) -> Result<Self, TooShort> {
        let mut cursor = Cursor::over(body);
        let [_, _, command, count, ..] = cursor.array::<SUB_HEADER>()?;
        let mut fields = Vec::new();
        for _ in 0..count {
            let (id, content) = cursor.sized()?.split_first().ok_or(TooShort)?;
            fields.push((*id, content.to_vec()));
        }
        Ok(Self { command, fields })
    }

    /// The content of a field.
    #[must_use]
    pub fn bytes(&self, id: u8) -> Option<&[u8]> {
        self.fields
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, content)| content.as_slice())
    }

    /// The content of a field as text.
    #[must_use]
    pub fn text(&self, id: u8) -> Option<String> {
        self.bytes(id)
            .map(|content| String::from_utf8_lossy(content).into_owned())
    }

    /// The content of a field as a number.
    #[must_use]
    pub fn number(&self, id: u8) -> Option<u32> {
        self.bytes(id)
            .and_then(|content| content.try_into().ok())
            .map(u32::from_be_bytes)
    }

    /// The content of a field as a list of names.
    ///
    /// # Errors
    ///
    /// If it ends too early.
    pub fn names(&self, id: u8) -> Result<Vec<String>, TooShort> {
        let Some(content) = self.bytes(id) else {
            return Ok(Vec::new());
        };
        let mut cursor = Cursor::over(content);
        let count = cursor.byte()?;
        (0..count).map(|_| cursor.short_text()).collect()
    }
}

/// One record of an answer; an answer is one record, or a stream of them that ends with result 50.
#[derive(Debug, Default)]
pub struct Reply {
    fields: Vec<u8>,
    count: u8,
}

impl Reply {
    /// With one field more.
    #[must_use]
    pub fn with(mut self, id: u8, content: &[u8]) -> Self {
        let length = u32::try_from(content.len() + 1).unwrap_or(u32::MAX);
        self.fields.extend_from_slice(&length.to_be_bytes());
        self.fields.push(id);
        self.fields.extend_from_slice(content);
        self.count += 1;
        self
    }

    /// The record's bytes.
    #[must_use]
    pub fn finish(self, result: u8) -> Vec<u8> {
        let mut bytes = vec![0; SUB_HEADER];
        bytes[1] = result;
        bytes[3] = self.count;
        bytes.extend_from_slice(&self.fields);
        bytes
    }
}

/// A list of names as a field has it.
#[must_use]
pub fn names<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> Vec<u8> {
    let mut content = vec![u8::try_from(names.len()).unwrap_or(u8::MAX)];
    for name in names {
        push_short(&mut content, name);
    }
    content
}

/// Appends a text with its length in one byte.
pub fn push_short(content: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    content.push(length);
    content.extend_from_slice(&text.as_bytes()[..usize::from(length)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(request) = Request::read(&body) {
                let _ = request.names(field::ROLES);
                let _ = request.number(field::READ_QUOTA);
            }
        }
    }
}
