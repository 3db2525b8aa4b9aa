//! What the server says about a request.

use std::fmt;

/// The result of a request, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResultCode(pub u8);

macro_rules! result_codes {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        impl ResultCode {
            $(#[doc = concat!("The server says: ", $text, ".")] pub const $name: Self = Self($code);)*
        }

        const NAMES: &[(ResultCode, &str)] = &[$((ResultCode::$name, $text),)*];
    };
}

result_codes! {
    OK = 0, "ok";
    UNKNOWN = 1, "unknown";
    NOT_FOUND = 2, "not found";
    PARAMETER = 4, "parameter";
    CLUSTER_KEY_MISMATCH = 7, "cluster key mismatch";
    TIMEOUT = 9, "timeout";
    UNAVAILABLE = 11, "unavailable";
    NAMESPACE = 20, "namespace";
    FORBIDDEN = 22, "forbidden";
    ENTERPRISE_ONLY = 25, "enterprise only";
    END_OF_QUERY = 50, "end of query";
    SECURITY_NOT_SUPPORTED = 51, "security not supported";
    SECURITY_NOT_ENABLED = 52, "security not enabled";
    BAD_SCHEME = 53, "bad scheme";
    BAD_COMMAND = 54, "bad command";
    BAD_FIELD = 55, "bad field";
    ILLEGAL_STATE = 56, "illegal state";
    BAD_USER = 60, "bad user";
    USER_EXISTS = 61, "user exists";
    BAD_PASSWORD = 62, "bad password";
    PASSWORD_EXPIRED = 63, "password expired";
    PASSWORD_FORBIDDEN = 64, "password forbidden";
    BAD_CREDENTIAL = 65, "bad credential";
    SESSION_EXPIRED = 66, "session expired";
    BAD_ROLE = 70, "bad role";
    ROLE_EXISTS = 71, "role exists";
    BAD_PRIVILEGE = 72, "bad privilege";
    BAD_WHITELIST = 73, "bad whitelist";
    QUOTAS_NOT_ENABLED = 74, "quotas not enabled";
    BAD_QUOTA = 75, "bad quota";
    NOT_AUTHENTICATED = 80, "not authenticated";
    ROLE_VIOLATION = 81, "role violation";
    NOT_WHITELISTED = 82, "not whitelisted";
    QUOTA_EXCEEDED = 83, "quota exceeded";
    INDEX_EXISTS = 200, "index exists";
    INDEX_MISSING = 201, "index missing";
}

impl ResultCode {
    /// What the number means.
    #[must_use]
    pub fn name(self) -> &'static str {
        if (90..=94).contains(&self.0) {
            return "LDAP failure";
        }
        let found = NAMES.iter().find(|(code, _)| *code == self);
        found.map_or("undocumented result", |(_, name)| name)
    }

    /// Whether the server has no security: a Community server, or one where it is off.
    #[must_use]
    pub fn means_no_security(self) -> bool {
        matches!(
            self,
            Self::SECURITY_NOT_SUPPORTED | Self::SECURITY_NOT_ENABLED
        )
    }

    /// Whether user and password (or certificate) are not what the server knows.
    #[must_use]
    pub fn means_bad_credentials(self) -> bool {
        let codes = [Self::BAD_USER, Self::BAD_PASSWORD, Self::BAD_CREDENTIAL];
        codes.contains(&self)
    }

    /// Whether a session is over, and a new login is needed.
    #[must_use]
    pub fn means_session_over(self) -> bool {
        let codes = [
            Self::SESSION_EXPIRED,
            Self::NOT_AUTHENTICATED,
            Self::BAD_CREDENTIAL,
        ];
        codes.contains(&self)
    }
}

impl fmt::Display for ResultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (result {})", self.name(), self.0)
    }
}
