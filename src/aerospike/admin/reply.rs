//! Replies, from their bytes.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{Privilege, PrivilegeCode, Request, ResultCode, SUB_HEADER, field};
use crate::aerospike::frame::Kind;

/// An answer that is a refusal, or no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The server said no.
    #[error("{0}")]
    Refused(ResultCode),
    /// The bytes end inside of something that they announce.
    #[error("an admin reply ends inside {inside}")]
    Truncated {
        /// Inside of what.
        inside: &'static str,
    },
    /// A field that is not what its number says.
    #[error("an admin reply has a bad field {field}")]
    BadField {
        /// Its number.
        field: u8,
    },
    /// A login without a session to go on with.
    #[error("the server accepted the login and sent no session token")]
    NoToken,
    /// A query whose end never comes.
    #[error("the answer to a query is over the limit of {limit} bytes")]
    TooLong {
        /// What is allowed.
        limit: usize,
    },
}

/// Stands for a login on further connections; as secret as a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<Vec<u8>>);

impl Token {
    /// Takes a token over.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What a login gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// For further connections.
    pub token: Token,
    /// How long the server takes it, from the login on.
    pub ttl: Duration,
}

impl Session {
    /// How long it is worth trying: the clocks and the way there take some time too.
    #[must_use]
    pub fn usable_for(&self) -> Duration {
        self.ttl.saturating_sub(Duration::from_mins(1))
    }
}

/// A user as the server has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its roles.
    pub roles: Vec<String>,
    /// Figures about its reads.
    pub reads: Vec<u32>,
    /// Figures about its writes.
    pub writes: Vec<u32>,
    /// How many connections it has.
    pub connections: u32,
}

/// A role as the server has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// What it allows.
    pub privileges: Vec<Privilege>,
    /// From where; everywhere if empty.
    pub whitelist: Vec<String>,
    /// Reads per second; zero for no limit.
    pub read_quota: u32,
    /// Writes per second; zero for no limit.
    pub write_quota: u32,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Done.
    Done,
    /// Logged in.
    Session(Session),
    /// The users that there are.
    Users(Vec<User>),
    /// The roles that there are.
    Roles(Vec<Role>),
}

/// Whether more messages belong to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Read another message.
    More,
    /// That was the last.
    Complete,
}

/// Makes one reply of the messages that answer a request: queries answer with several.
#[derive(Debug)]
pub struct Collector {
    reply: Reply,
    left: usize,
}

impl Collector {
    /// Waits for the answer to `request`.
    #[must_use]
    pub fn new(request: &Request) -> Self {
        let reply = match request {
            Request::QueryUsers { .. } => Reply::Users(vec![]),
            Request::QueryRoles { .. } => Reply::Roles(vec![]),
            Request::Login { .. } | Request::LoginExternal { .. } | Request::LoginPki => {
                Reply::Session(Session {
                    token: Token::new(vec![]),
                    ttl: Duration::ZERO,
                })
            }
            _ => Reply::Done,
        };
        let left = Kind::Admin.limit();
        Self { reply, left }
    }

    /// Takes in the body of one message.
    ///
    /// # Errors
    ///
    /// When the server refused the request, or the bytes make no sense.
    pub fn push(&mut self, body: &[u8]) -> Result<Progress, ReplyError> {
        let limit = Kind::Admin.limit();
        // An empty message costs us time too.
        let cost = body.len().max(SUB_HEADER);
        self.left = self
            .left
            .checked_sub(cost)
            .ok_or(ReplyError::TooLong { limit })?;
        let mut bytes = Bytes(body);
        match &mut self.reply {
            Reply::Done => {
                bytes.record()?.accepted()?;
                Ok(Progress::Complete)
            }
            Reply::Session(session) => {
                *session = bytes.record()?.accepted()?.session()?;
                Ok(Progress::Complete)
            }
            Reply::Users(users) => collect(&mut bytes, users, Record::user),
            Reply::Roles(roles) => collect(&mut bytes, roles, Record::role),
        }
    }

    /// The reply, after [`Progress::Complete`].
    #[must_use]
    pub fn into_reply(self) -> Reply {
        self.reply
    }
}

fn collect<'a, T>(
    bytes: &mut Bytes<'a>,
    items: &mut Vec<T>,
    read: fn(&Record<'a>) -> Result<T, ReplyError>,
) -> Result<Progress, ReplyError> {
    while !bytes.0.is_empty() {
        let record = bytes.record()?;
        if record.result == ResultCode::END_OF_QUERY {
            return Ok(Progress::Complete);
        }
        items.push(read(record.accepted_ref()?)?);
    }
    Ok(Progress::More)
}

/// One sub-header with the fields that follow it.
struct Record<'a> {
    result: ResultCode,
    fields: Vec<(u8, Bytes<'a>)>,
}

impl<'a> Record<'a> {
    fn accepted(self) -> Result<Self, ReplyError> {
        self.accepted_ref()?;
        Ok(self)
    }

    fn accepted_ref(&self) -> Result<&Self, ReplyError> {
        match self.result {
            ResultCode::OK => Ok(self),
            refused => Err(ReplyError::Refused(refused)),
        }
    }

    fn field<T>(
        &self,
        id: u8,
        read: fn(&mut Bytes<'a>) -> Result<T, ReplyError>,
    ) -> Result<Option<T>, ReplyError> {
        let found = self.fields.iter().find(|(found, _)| *found == id);
        let value = found
            .map(|(_, payload)| read(&mut Bytes(payload.0)))
            .transpose();
        value.map_err(|_| ReplyError::BadField { field: id })
    }

    fn session(&self) -> Result<Session, ReplyError> {
        let token = self.field(field::SESSION_TOKEN, |bytes| Ok(bytes.0.to_vec()))?;
        let ttl = self.field(field::SESSION_TTL, Bytes::number)?;
        Ok(Session {
            token: Token::new(token.ok_or(ReplyError::NoToken)?),
            ttl: Duration::from_secs(ttl.unwrap_or_default().into()),
        })
    }

    fn user(&self) -> Result<User, ReplyError> {
        Ok(User {
            name: self
                .field(field::USER, |bytes| Ok(bytes.text()))?
                .unwrap_or_default(),
            roles: self.field(field::ROLES, Bytes::names)?.unwrap_or_default(),
            reads: self
                .field(field::READ_STATISTICS, Bytes::numbers)?
                .unwrap_or_default(),
            writes: self
                .field(field::WRITE_STATISTICS, Bytes::numbers)?
                .unwrap_or_default(),
            connections: self
                .field(field::CONNECTIONS, Bytes::number)?
                .unwrap_or_default(),
        })
    }

    fn role(&self) -> Result<Role, ReplyError> {
        Ok(Role {
            name: self
                .field(field::ROLE, |bytes| Ok(bytes.text()))?
                .unwrap_or_default(),
            privileges: self
                .field(field::PRIVILEGES, Bytes::privileges)?
                .unwrap_or_default(),
            whitelist: self
                .field(field::WHITELIST, |bytes| Ok(bytes.addresses()))?
                .unwrap_or_default(),
            read_quota: self
                .field(field::READ_QUOTA, Bytes::number)?
                .unwrap_or_default(),
            write_quota: self
                .field(field::WRITE_QUOTA, Bytes::number)?
                .unwrap_or_default(),
        })
    }
}

/// What is left to read. Every length is checked against it before anything is kept.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize, inside: &'static str) -> Result<&'a [u8], ReplyError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(ReplyError::Truncated { inside })?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self, inside: &'static str) -> Result<u8, ReplyError> {
        Ok(self.take(1, inside)?[0])
    }

    fn number(&mut self) -> Result<u32, ReplyError> {
        let bytes = self.take(4, "a number")?;
        Ok(bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }

    fn record(&mut self) -> Result<Record<'a>, ReplyError> {
        let header = self.take(SUB_HEADER, "a header")?;
        let fields = (0..header[3]).map(|_| self.field());
        Ok(Record {
            result: ResultCode(header[1]),
            fields: fields.collect::<Result<_, _>>()?,
        })
    }

    fn field(&mut self) -> Result<(u8, Bytes<'a>), ReplyError> {
        let length = self.number()?;
        let id = self.byte("a field")?;
        // The length counts the byte of the id.
        let payload = length
            .checked_sub(1)
            .ok_or(ReplyError::BadField { field: id })?;
        let payload = usize::try_from(payload).unwrap_or(usize::MAX);
        Ok((id, Bytes(self.take(payload, "a field")?)))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(self.0).into_owned()
    }

    fn name(&mut self) -> Result<String, ReplyError> {
        let length = self.byte("a name")?;
        Ok(Bytes(self.take(length.into(), "a name")?).text())
    }

    fn names(&mut self) -> Result<Vec<String>, ReplyError> {
        let count = self.byte("a list")?;
        (0..count).map(|_| self.name()).collect()
    }

    fn numbers(&mut self) -> Result<Vec<u32>, ReplyError> {
        let count = self.byte("a list")?;
        (0..count).map(|_| self.number()).collect()
    }

    fn privileges(&mut self) -> Result<Vec<Privilege>, ReplyError> {
        let count = self.byte("a list")?;
        (0..count).map(|_| self.privilege()).collect()
    }

    fn privilege(&mut self) -> Result<Privilege, ReplyError> {
        let code = PrivilegeCode::from_number(self.byte("a privilege")?);
        if !code.is_scoped() {
            return Ok(Privilege {
                code,
                namespace: None,
                set: None,
            });
        }
        // An empty name is how the wire says "everywhere".
        let mut scope = || Ok(Some(self.name()?).filter(|name| !name.is_empty()));
        Ok(Privilege {
            code,
            namespace: scope()?,
            set: scope()?,
        })
    }

    fn addresses(&self) -> Vec<String> {
        let text = self.text();
        let addresses = text.split(',').map(str::trim);
        let addresses = addresses.filter(|address| !address.is_empty());
        addresses.map(str::to_owned).collect()
    }
}
