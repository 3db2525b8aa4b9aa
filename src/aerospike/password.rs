//! Passwords and what stands for them on the wire. Neither can be printed, and both are wiped.

use std::fmt;

use zeroize::Zeroizing;

/// The protocol's salt, the same for every user.
const SALT: [u8; 16] = [
    0xf4, 0x6b, 0x0b, 0xbe, 0xcf, 0xfe, 0x8d, 0x1b, 0x06, 0x67, 0xd8, 0x4f, 0x6d, 0xc1, 0xd8, 0xa9,
];
const COST: u32 = 10;

/// The hash of the literal `nopassword`.
const NO_PASSWORD: &str = "$2a$10$7EqJtq98hPqEX7fNZaFWoOePA2sZy..tlOF99W2N0g5KZ3dLaw8WO";
/// The hash of the literal `admin`.
const ADMIN: &str = "$2a$10$7EqJtq98hPqEX7fNZaFWoO1mVO/4MLpGzsqojz6E9Gef6iXDjXdDa";

/// A password in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes a password over; the caller's copies are the caller's to wipe.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// What stands for it on the wire.
    ///
    /// This takes some 50 ms of CPU: call it off the async threads (`spawn_blocking`), once per password, and keep the result.
    ///
    /// # Panics
    ///
    /// Never: the cost is one that bcrypt takes, and passwords of all lengths can be hashed.
    #[must_use]
    pub fn hash(&self) -> PasswordHash {
        let parts = bcrypt::hash_with_salt(self.0.as_bytes(), COST, SALT)
            .expect("cost 10 is allowed, and long passwords are cut as the protocol has it");
        PasswordHash(Zeroizing::new(
            parts.format_for_version(bcrypt::Version::TwoA),
        ))
    }

    /// The text, for the one that has to send it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// The hash of a password. The server takes it as the credential, so it is as secret as the password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Zeroizing<String>);

impl PasswordHash {
    /// What the server takes as "no login by password".
    #[must_use]
    pub fn no_password() -> Self {
        Self(Zeroizing::new(NO_PASSWORD.to_owned()))
    }

    /// What a fresh server knows of its user `admin`, unless its configuration names a file with another password.
    #[must_use]
    pub fn bootstrap() -> Self {
        Self(Zeroizing::new(ADMIN.to_owned()))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(password: &str) -> PasswordHash {
        Password::new(password.to_owned()).hash()
    }

    #[test]
    fn hashes_are_the_protocols() {
        let known = [
            (
                "admin",
                "$2a$10$7EqJtq98hPqEX7fNZaFWoO1mVO/4MLpGzsqojz6E9Gef6iXDjXdDa",
            ),
            (
                "",
                "$2a$10$7EqJtq98hPqEX7fNZaFWoOLCkFexA7A9eoJ0Ew.mTDdk.E60D.9zS",
            ),
            (
                "password",
                "$2a$10$7EqJtq98hPqEX7fNZaFWoOqUH6KN8IKy3Yk5Kz..RHGKNAUCoP/LG",
            ),
        ];
        for (password, expected) in known {
            assert_eq!(hash(password).0.as_str(), expected, "{password}");
        }
    }

    #[test]
    fn the_constant_for_no_password_is_its_hash() {
        assert_eq!(
            PasswordHash::no_password().0.as_str(),
            hash("nopassword").0.as_str()
        );
    }

    #[test]
    fn a_long_password_is_hashed() {
        assert_eq!(hash(&"ä".repeat(100)).as_bytes().len(), 60);
    }

    #[test]
    fn nothing_can_be_printed() {
        let password = Password::new("topsecret".to_owned());
        let printed = format!("{password:?} {:?}", PasswordHash::no_password());
        assert_eq!(printed, "Password(…) PasswordHash(…)");
    }
}
