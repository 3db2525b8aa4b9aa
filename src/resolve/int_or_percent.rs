//! A count or a percentage, as batch sizes, ignorable pods and the disruption budget are given.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// A count, or a share of a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntOrPercent {
    /// So many.
    Count(u32),
    /// So many of a hundred; 100 at most.
    Percent(u8),
}

/// Why a value is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntOrPercentError {
    /// A text that is no whole number with a percent sign.
    #[error("string is not a percentage")]
    NotAPercentage,
    /// Below zero.
    #[error("it is negative")]
    Negative,
    /// More than the whole.
    #[error("it is greater than 100 percent")]
    AboveHundredPercent,
}

impl IntOrPercent {
    /// Reads a member of a spec: a number, or a text such as `30%`.
    ///
    /// # Errors
    ///
    /// Why it is neither.
    pub fn parse(value: &IntOrString) -> Result<Self, IntOrPercentError> {
        match value {
            IntOrString::Int(count) => u32::try_from(*count)
                .map(Self::Count)
                .map_err(|_| IntOrPercentError::Negative),
            IntOrString::String(text) => Self::percent(text),
        }
    }

    fn percent(text: &str) -> Result<Self, IntOrPercentError> {
        let digits = text
            .strip_suffix('%')
            .ok_or(IntOrPercentError::NotAPercentage)?;
        match digits.parse::<i64>() {
            Err(_) => Err(IntOrPercentError::NotAPercentage),
            Ok(..0) => Err(IntOrPercentError::Negative),
            Ok(percent) => u8::try_from(percent)
                .ok()
                .filter(|percent| *percent <= 100)
                .map(Self::Percent)
                .ok_or(IntOrPercentError::AboveHundredPercent),
        }
    }

    /// What a member of a spec comes to of `whole`, rounded down; nothing where it is neither.
    #[must_use]
    pub fn share(value: &IntOrString, whole: u32) -> u32 {
        Self::parse(value).map_or(0, |share| share.of(whole))
    }

    /// What it comes to of `whole`, rounded down.
    #[must_use]
    pub fn of(self, whole: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            // In two parts, so that it cannot overflow.
            Self::Percent(percent) => {
                let percent = u32::from(percent);
                whole / 100 * percent + whole % 100 * percent / 100
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Result<IntOrPercent, IntOrPercentError> {
        IntOrPercent::parse(&IntOrString::String(text.to_owned()))
    }

    #[test]
    fn a_number_is_a_count_and_a_text_a_percentage() {
        let number = |count| IntOrPercent::parse(&IntOrString::Int(count));
        assert_eq!(number(0), Ok(IntOrPercent::Count(0)));
        assert_eq!(number(i32::MAX), Ok(IntOrPercent::Count(2_147_483_647)));
        assert_eq!(number(-1), Err(IntOrPercentError::Negative));
        assert_eq!(text("0%"), Ok(IntOrPercent::Percent(0)));
        assert_eq!(text("100%"), Ok(IntOrPercent::Percent(100)));
    }

    #[test]
    fn what_is_no_share_of_a_whole_is_refused() {
        for bad in ["", "%", "3", "x%", "1.5%", "50 %", "99999999999999999999%"] {
            assert_eq!(text(bad), Err(IntOrPercentError::NotAPercentage), "{bad}");
        }
        assert_eq!(text("-5%"), Err(IntOrPercentError::Negative));
        for much in ["101%", "256%", "400%"] {
            assert_eq!(text(much), Err(IntOrPercentError::AboveHundredPercent));
        }
    }

    #[test]
    fn shares_are_rounded_down() {
        let of_five = |text_: &str| text(text_).map(|share| share.of(5));
        assert_eq!(["50%", "19%", "100%"].map(of_five), [Ok(2), Ok(0), Ok(5)]);
        assert_eq!(IntOrPercent::Count(7).of(5), 7);
        assert_eq!(IntOrPercent::Percent(100).of(u32::MAX), u32::MAX);
    }
}
