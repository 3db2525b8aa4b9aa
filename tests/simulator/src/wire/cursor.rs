//! Reading numbers and slices off the front of a body.

/// What is left of a body.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a>(&'a [u8]);

/// A body that ends too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("body ends too early")]
pub struct TooShort;

impl<'a> Cursor<'a> {
    /// All of `body`.
    #[must_use]
    pub fn over(body: &'a [u8]) -> Self {
        Self(body)
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    ///
    /// If there are fewer.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], TooShort> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(TooShort)?;
        self.0 = tail;
        Ok(head)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    ///
    /// If there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], TooShort> {
        self.take(N)?.try_into().map_err(|_| TooShort)
    }

    /// The next byte.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn byte(&mut self) -> Result<u8, TooShort> {
        Ok(self.array::<1>()?[0])
    }

    /// The next two bytes as a number.
    ///
    /// # Errors
    ///
    /// If there are fewer.
    pub fn short(&mut self) -> Result<u16, TooShort> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next four bytes as a number.
    ///
    /// # Errors
    ///
    /// If there are fewer.
    pub fn int(&mut self) -> Result<u32, TooShort> {
        self.array().map(u32::from_be_bytes)
    }

    /// The next four bytes as a length, and that many bytes.
    ///
    /// # Errors
    ///
    /// If there are fewer.
    pub fn sized(&mut self) -> Result<&'a [u8], TooShort> {
        let length = self.int()?;
        self.take(usize::try_from(length).map_err(|_| TooShort)?)
    }

    /// The next byte as a length, and that many bytes of text.
    ///
    /// # Errors
    ///
    /// If there are fewer.
    pub fn short_text(&mut self) -> Result<String, TooShort> {
        let length = self.byte()?;
        let bytes = self.take(usize::from(length))?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}
