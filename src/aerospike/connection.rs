//! A connection to one server: the only part that does IO. It has deadlines and limits, and never retries by itself.

use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::admin::{Collector, Progress, Reply, Request, ResultCode};
use super::frame::{self, Kind};
use super::info::{self, Answers};

mod deadline;
mod error;
mod target;

pub use deadline::Deadline;
pub use error::Error;
pub use target::{Identity, Login, Security, Target, Tls};

/// How long a connection may take to come about, TLS included.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// How long one request may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What bytes can go over.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection to a server, over anything that carries bytes.
pub struct Connection<S> {
    stream: S,
    deadline: Deadline,
    usable: bool,
}

/// Connects and logs in.
///
/// # Errors
///
/// When there is no connection or no login within 2 s and 5 s, or before the deadline.
pub async fn connect(
    target: &Target,
    deadline: Deadline,
) -> Result<(Connection<Box<dyn Stream>>, Security), Error> {
    open(|| dial(target, deadline), &target.login, deadline).await
}

/// Logs in over a stream of `dial`'s: by session if there is one, and if it is over, by a login on a new stream.
///
/// # Errors
///
/// When `dial` fails, or the server refuses.
pub async fn open<S, F>(
    dial: impl Fn() -> F,
    login: &Login,
    deadline: Deadline,
) -> Result<(Connection<S>, Security), Error>
where
    S: Stream,
    F: Future<Output = Result<S, Error>>,
{
    let resume = login
        .token
        .as_ref()
        .and_then(|token| login.identity.resume(token));
    if let Some(resume) = resume {
        let mut connection = Connection::over(dial().await?, deadline);
        match connection.admin(&resume).await {
            Err(error) if error.refusal().is_some_and(ResultCode::means_session_over) => {}
            answer => {
                let security = security(answer, login)?;
                return Ok((connection, security));
            }
        }
    }
    let mut connection = Connection::over(dial().await?, deadline);
    let security = connection.login(login).await?;
    Ok((connection, security))
}

fn security(answer: Result<Reply, Error>, login: &Login) -> Result<Security, Error> {
    match answer {
        Ok(Reply::Session(session)) => Ok(Security::LoggedIn(session)),
        Ok(_) => Ok(Security::Resumed),
        Err(error) => {
            let off = error.refusal().is_some_and(ResultCode::means_no_security);
            if off && login.accept_no_security {
                return Ok(Security::Off);
            }
            Err(error)
        }
    }
}

async fn dial(target: &Target, deadline: Deadline) -> Result<Box<dyn Stream>, Error> {
    let until = deadline.of_step(Instant::now(), CONNECT_WITHIN);
    let doing = "connecting";
    let dialed = timeout_at(until, dial_unbounded(target)).await;
    dialed.map_err(|_| Error::TimedOut { doing })?
}

async fn dial_unbounded(target: &Target) -> Result<Box<dyn Stream>, Error> {
    let address = target.address;
    let failed = |source| Error::Dial { address, source };
    let tcp = TcpStream::connect(address).await.map_err(failed)?;
    tcp.set_nodelay(true).map_err(failed)?;
    let Some(tls) = &target.tls else {
        return Ok(Box::new(tcp));
    };
    let connector = TlsConnector::from(tls.config.clone());
    let handshake = connector.connect(tls.name.clone(), tcp).await;
    let stream = handshake.map_err(|source| Error::Tls {
        address,
        name: tls.name.to_str().into_owned(),
        source,
    })?;
    Ok(Box::new(stream))
}

impl<S: Stream> Connection<S> {
    /// Uses a stream that nobody has used yet.
    #[must_use]
    pub const fn over(stream: S, deadline: Deadline) -> Self {
        Self {
            stream,
            deadline,
            usable: true,
        }
    }

    /// Sets another deadline for what follows.
    pub const fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Whether further requests can be sent.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.usable
    }

    /// Logs in by password or certificate, not by session.
    ///
    /// # Errors
    ///
    /// When the server refuses, and be it for having no security where that will not do.
    pub async fn login(&mut self, login: &Login) -> Result<Security, Error> {
        match login.identity.login() {
            Some(request) => security(self.admin(&request).await, login),
            None => Ok(Security::NotAsked),
        }
    }

    /// Sends info commands in one request.
    ///
    /// # Errors
    ///
    /// When there is no answer; what the server says to a single command is in the answers.
    pub async fn info(&mut self, commands: &[&str]) -> Result<Answers, Error> {
        let body = info::encode(commands)?;
        let message = frame::encode(Kind::Info, &body)?;
        self.exchange(Kind::Info, "info request", &message, |body| {
            Ok(ControlFlow::Break(info::parse(commands, body)?))
        })
        .await
    }

    /// Sends one request about users and roles.
    ///
    /// # Errors
    ///
    /// When there is no answer, or it is a refusal.
    pub async fn admin(&mut self, request: &Request) -> Result<Reply, Error> {
        let body = super::admin::encode(request)?;
        let message = Zeroizing::new(frame::encode(Kind::Admin, &body)?);
        let mut collector = Collector::new(request);
        let name = request.name();
        self.exchange(Kind::Admin, name, &message, |body| {
            let progress = collector.push(body).map_err(|source| Error::Reply {
                request: name,
                source,
            })?;
            Ok(match progress {
                Progress::More => ControlFlow::Continue(()),
                Progress::Complete => ControlFlow::Break(()),
            })
        })
        .await?;
        Ok(collector.into_reply())
    }

    /// Sends `message` and gives the bodies that come back to `take`, until that breaks with the answer.
    async fn exchange<T>(
        &mut self,
        kind: Kind,
        doing: &'static str,
        message: &[u8],
        take: impl FnMut(&[u8]) -> Result<ControlFlow<T>, Error>,
    ) -> Result<T, Error> {
        // Stays false if this future is dropped half-way: the answer to it may still come.
        if !std::mem::replace(&mut self.usable, false) {
            return Err(Error::Unusable);
        }
        let until = self.deadline.of_step(Instant::now(), ANSWER_WITHIN);
        let talk = talk(&mut self.stream, kind, message, take);
        let done = match timeout_at(until, talk).await {
            Ok(Err(Interrupted::Stream(source))) => Err(Error::Lost { doing, source }),
            Ok(Err(Interrupted::Content(error))) => Err(error),
            Ok(Ok(answer)) => Ok(answer),
            Err(_) => Err(Error::TimedOut { doing }),
        };
        self.usable = done
            .as_ref()
            .map_or_else(|error| error.refusal().is_some(), |_| true);
        done
    }
}

enum Interrupted {
    Stream(io::Error),
    Content(Error),
}

impl From<io::Error> for Interrupted {
    fn from(error: io::Error) -> Self {
        Self::Stream(error)
    }
}

async fn talk<S: Stream, T>(
    stream: &mut S,
    kind: Kind,
    message: &[u8],
    mut take: impl FnMut(&[u8]) -> Result<ControlFlow<T>, Error>,
) -> Result<T, Interrupted> {
    stream.write_all(message).await?;
    stream.flush().await?;
    loop {
        let body = read_body(stream, kind).await?;
        if let ControlFlow::Break(answer) = take(&body).map_err(Interrupted::Content)? {
            return Ok(answer);
        }
    }
}

async fn read_body<S: Stream>(
    stream: &mut S,
    kind: Kind,
) -> Result<Zeroizing<Vec<u8>>, Interrupted> {
    let mut header = [0; frame::HEADER];
    stream.read_exact(&mut header).await?;
    let announced = frame::body_length(kind, header);
    let length = announced.map_err(|error| Interrupted::Content(error.into()))?;
    // Grows with what comes, not with what is announced.
    let mut body = Zeroizing::new(Vec::new());
    let read = stream.take(length as u64).read_to_end(&mut body).await?;
    if read < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(body)
}

#[cfg(test)]
mod tests;
