//! The header before every message.

/// Longer bodies close the connection.
pub const LONGEST_BODY: usize = 128 << 20;

/// Bytes of a header.
pub const HEADER: usize = 8;

const VERSION: u8 = 2;

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Lines of text.
    Info,
    /// Login and administration of users.
    Admin,
    /// A record's message.
    Record,
    /// A compressed record's message.
    Compressed,
}

/// A header that closes the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// The first byte.
    #[error("unsupported protocol version {0}")]
    Version(u8),
    /// The second byte.
    #[error("unsupported message type {0}")]
    Kind(u8),
    /// The rest.
    #[error("message of {0} bytes is too long")]
    Length(u64),
}

/// What a header announces.
///
/// # Errors
///
/// If the server would close the connection on it.
pub fn read(header: [u8; HEADER]) -> Result<(Kind, usize), BadHeader> {
    let [version, kind, length @ ..] = header;
    if version != VERSION {
        return Err(BadHeader::Version(version));
    }
    let kind = match kind {
        1 => Kind::Info,
        2 => Kind::Admin,
        3 => Kind::Record,
        4 => Kind::Compressed,
        other => return Err(BadHeader::Kind(other)),
    };
    let length = length
        .iter()
        .fold(0, |length, byte| length << 8 | u64::from(*byte));
    match usize::try_from(length) {
        Ok(fits) if fits <= LONGEST_BODY => Ok((kind, fits)),
        _ => Err(BadHeader::Length(length)),
    }
}

/// A message of `kind` with its header.
#[must_use]
pub fn write(kind: Kind, body: &[u8]) -> Vec<u8> {
    let number = match kind {
        Kind::Info => 1,
        Kind::Admin => 2,
        Kind::Record => 3,
        Kind::Compressed => 4,
    };
    let length = (body.len() as u64).to_be_bytes();
    let mut message = vec![VERSION, number];
    message.extend_from_slice(&length[2..]);
    message.extend_from_slice(body);
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn headers_that_close_the_connection_are_told_apart() {
        assert_eq!(read([9, 1, 0, 0, 0, 0, 0, 0]), Err(BadHeader::Version(9)));
        assert_eq!(read([2, 7, 0, 0, 0, 0, 0, 0]), Err(BadHeader::Kind(7)));
        assert_eq!(
            read([2, 1, 0, 0, 12, 128, 0, 0]),
            Err(BadHeader::Length(200 << 20))
        );
        assert_eq!(read(*b"GET / HT"), Err(BadHeader::Version(b'G')));
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_refused(header: [u8; 8]) {
            if let Ok((_, length)) = read(header) {
                prop_assert!(length <= LONGEST_BODY);
            }
        }

        #[test]
        fn a_written_frame_reads_back(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let message = write(Kind::Admin, &body);
            let header = message[..HEADER].try_into().unwrap();
            prop_assert_eq!(read(header), Ok((Kind::Admin, body.len())));
            prop_assert_eq!(&message[HEADER..], &body[..]);
        }
    }
}
