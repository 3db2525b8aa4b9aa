//! The eight bytes in front of every message, and how long a message may be.

/// Length of the header.
pub const HEADER: usize = 8;

const VERSION: u8 = 2;

/// What a message is about, as the second byte of the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Info commands and their answers.
    Info,
    /// Login and administration.
    Admin,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Info => 1,
            Self::Admin => 2,
        }
    }

    /// The longest answer that is read: one server must not grow our memory.
    #[must_use]
    pub const fn limit(self) -> usize {
        match self {
            Self::Info => 4 << 20,
            Self::Admin => 1 << 20,
        }
    }
}

/// A header that cannot be what we asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not this protocol at all.
    #[error("protocol version is {0}, expected {VERSION}: is this an Aerospike service port?")]
    Version(u8),
    /// An answer to something else.
    #[error("message type is {found}, expected {expected}")]
    Kind {
        /// What came.
        found: u8,
        /// What was asked.
        expected: u8,
    },
    /// More than we take.
    #[error("message of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// What the header announces.
        length: u64,
        /// What is allowed.
        limit: usize,
    },
}

/// A whole message: header and body.
///
/// # Errors
///
/// [`Error::TooLong`] for a body over the limit of its kind.
pub fn encode(kind: Kind, body: &[u8]) -> Result<Vec<u8>, Error> {
    let length = body.len() as u64;
    check_length(kind, length)?;
    let mut message = Vec::with_capacity(HEADER + body.len());
    message.extend_from_slice(&length.to_be_bytes());
    message[0] = VERSION;
    message[1] = kind.code();
    message.extend_from_slice(body);
    Ok(message)
}

/// The length of the body that follows `header`.
///
/// # Errors
///
/// When it is no header of an answer of this kind, or announces more than the limit.
pub fn body_length(kind: Kind, header: [u8; HEADER]) -> Result<usize, Error> {
    let [version, found, length @ ..] = header;
    if version != VERSION {
        return Err(Error::Version(version));
    }
    if found != kind.code() {
        let expected = kind.code();
        return Err(Error::Kind { found, expected });
    }
    let length = length
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    check_length(kind, length)
}

fn check_length(kind: Kind, length: u64) -> Result<usize, Error> {
    let limit = kind.limit();
    match usize::try_from(length) {
        Ok(fits) if fits <= limit => Ok(fits),
        _ => Err(Error::TooLong { length, limit }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_header_holds_version_kind_and_length() {
        let message = encode(Kind::Info, b"build\n").unwrap();
        assert_eq!(message, b"\x02\x01\0\0\0\0\0\x06build\n");
    }

    #[test]
    fn a_wrong_version_or_kind_is_refused() {
        let header = [3, 1, 0, 0, 0, 0, 0, 0];
        assert_eq!(body_length(Kind::Info, header), Err(Error::Version(3)));
        let header = [2, 3, 0, 0, 0, 0, 0, 0];
        let expected = Error::Kind {
            found: 3,
            expected: 1,
        };
        assert_eq!(body_length(Kind::Info, header), Err(expected));
    }

    #[test]
    fn an_announced_length_over_the_limit_is_refused() {
        let header = [2, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        let expected = Error::TooLong {
            length: 0xffff_ffff_ffff,
            limit: 1 << 20,
        };
        assert_eq!(body_length(Kind::Admin, header), Err(expected));
        assert_eq!(
            body_length(Kind::Info, [2, 1, 0, 0, 0, 64, 0, 0]),
            Ok(4 << 20)
        );
        assert!(body_length(Kind::Info, [2, 1, 0, 0, 0, 64, 0, 1]).is_err());
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_read_back(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let message = encode(Kind::Admin, &body).unwrap();
            let header: [u8; HEADER] = message[..HEADER].try_into().unwrap();
            prop_assert_eq!(body_length(Kind::Admin, header), Ok(body.len()));
        }
    }
}
