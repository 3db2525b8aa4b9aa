//! A number or a percentage of a whole, as batch sizes and budgets are given.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// What `portion` is of `whole`, rounded down; nothing of what is negative or cannot be read.
#[must_use]
pub fn portion(portion: &IntOrString, whole: u32) -> u32 {
    match portion {
        IntOrString::Int(number) => u32::try_from(*number).unwrap_or(0),
        IntOrString::String(text) => percent(text, whole).unwrap_or(0),
    }
}

fn percent(text: &str, whole: u32) -> Option<u32> {
    let percent: u64 = text.strip_suffix('%')?.parse().ok()?;
    u32::try_from(percent.saturating_mul(u64::from(whole)) / 100).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_rounded_down() {
        let percent = |text: &str| portion(&IntOrString::String(text.to_owned()), 5);
        assert_eq!([percent("50%"), percent("19%"), percent("100%")], [2, 0, 5]);
        assert_eq!(portion(&IntOrString::Int(3), 5), 3);
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        let percent = |text: &str| portion(&IntOrString::String(text.to_owned()), 5);
        assert_eq!([percent("x%"), percent("3"), percent("-1%")], [0; 3]);
        assert_eq!(portion(&IntOrString::Int(-3), 5), 0);
    }
}
