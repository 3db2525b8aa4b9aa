//! Quantities of Kubernetes as exact numbers, and the form in which AKO stores them.

use std::cmp::Ordering;

/// Nano is the smallest unit; smaller fractions are rounded away from zero.
const NANOS: i128 = 1_000_000_000;
/// Decimal digits below one.
const SCALE: i32 = 9;
/// Digits that Go reads without its arbitrary precision.
const FAST_DIGITS: usize = 18;

const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

/// Powers of 1024.
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// An exact amount. Amounts of different notation compare by their value.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    nanos: i128,
    notation: Notation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notation {
    /// `5k`
    Decimal,
    /// `5e3`
    Exponent,
    /// `5Ki`
    Binary,
}

impl Amount {
    /// Reads a quantity; none if it is not one, or beyond every reasonable size.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Parts::read(text.trim())?.amount()
    }

    /// The whole number of bytes that holds the amount; 0 for negative ones.
    #[must_use]
    pub fn as_bytes(self) -> u64 {
        let bytes = ceil_div(self.nanos.max(0), NANOS);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// Whether it is less than nothing.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.nanos < 0
    }

    /// Whether it is a whole number.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.nanos % NANOS == 0
    }

    /// The canonical text: as large a unit as keeps the number whole.
    #[must_use]
    pub fn canonical(self) -> String {
        if self.nanos == 0 {
            return "0".to_owned();
        }
        let is_small = self.nanos.abs() < 1024 * NANOS;
        let is_whole = self.nanos % NANOS == 0;
        match self.notation {
            Notation::Binary if !is_small && is_whole => binary(self.nanos / NANOS),
            Notation::Binary | Notation::Decimal => decimal(self.nanos, false),
            Notation::Exponent => decimal(self.nanos, true),
        }
    }
}

impl PartialEq for Amount {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Amount {}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

/// The text in which AKO stores a quantity that reads `text`; what is no quantity stays as it is.
#[must_use]
pub fn canonical(text: &str) -> String {
    let text = text.trim();
    match Parts::read(text) {
        Some(parts) if !parts.is_kept() => parts
            .amount()
            .map_or_else(|| text.to_owned(), Amount::canonical),
        _ => text.to_owned(),
    }
}

/// Whether `text` is a quantity, of whatever size.
#[must_use]
pub fn is_quantity(text: &str) -> bool {
    Parts::read(text).is_some()
}

/// A quantity taken apart.
struct Parts<'a> {
    negative: bool,
    /// Digits before the point without leading zeros, `0` if there is none.
    whole: &'a str,
    /// Digits behind the point.
    fraction: &'a str,
    /// Of 10, or of 2 in binary notation.
    exponent: i32,
    notation: Notation,
}

impl<'a> Parts<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let end = |text: &str| {
            text.find(|c: char| !c.is_ascii_digit())
                .unwrap_or(text.len())
        };
        let (whole, rest) = unsigned.split_at(end(unsigned));
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(end(rest)),
            None => ("", rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let (exponent, notation) = suffix_of(suffix)?;
        let whole = whole.trim_start_matches('0');
        Some(Self {
            negative: text.starts_with('-'),
            whole: if whole.is_empty() { "0" } else { whole },
            fraction,
            exponent,
            notation,
        })
    }

    /// Whether Go keeps the text that it read: it does where it takes it for canonical at a glance.
    fn is_kept(&self) -> bool {
        let digits = [self.whole, self.fraction].concat();
        match self.notation {
            Notation::Decimal | Notation::Exponent => {
                let places = i32::try_from(self.fraction.len()).unwrap_or(i32::MAX);
                let scale = self.exponent.saturating_sub(places);
                digits.len() <= FAST_DIGITS
                    && scale >= -SCALE
                    && scale % 3 == 0
                    && !digits.ends_with("000")
                    && !digits.starts_with('0')
            }
            Notation::Binary => {
                let magnitude = usize::try_from(self.exponent * 3 / 10).unwrap_or(usize::MAX);
                let is_fast = digits.len().saturating_add(magnitude) <= 14;
                let number = digits.parse::<u64>();
                self.fraction.is_empty() && is_fast && number.is_ok_and(|number| number % 8 != 0)
            }
        }
    }

    fn amount(&self) -> Option<Amount> {
        let digits: i128 = [self.whole, self.fraction].concat().parse().ok()?;
        let places = i32::try_from(self.fraction.len()).ok()?;
        let nanos = match self.notation {
            Notation::Decimal | Notation::Exponent => {
                let shift = self.exponent.checked_sub(places)?.checked_add(SCALE)?;
                shifted(digits, shift)?
            }
            Notation::Binary => {
                let factor = 1_i128.checked_shl(u32::try_from(self.exponent).ok()?)?;
                let nanos = shifted(digits.checked_mul(factor)?, SCALE - places)?;
                nanos.min(i128::from(i64::MAX) * NANOS)
            }
        };
        Some(Amount {
            nanos: if self.negative { -nanos } else { nanos },
            notation: self.notation,
        })
    }
}

/// `digits` times a power of ten, rounded up.
fn shifted(digits: i128, shift: i32) -> Option<i128> {
    let power = 10_i128.checked_pow(shift.unsigned_abs());
    match power {
        _ if digits == 0 => Some(0),
        Some(power) if shift >= 0 => digits.checked_mul(power),
        Some(power) => Some(ceil_div(digits, power)),
        None if shift < 0 => Some(1),
        None => None,
    }
}

/// For numbers that are not negative.
fn ceil_div(number: i128, by: i128) -> i128 {
    number / by + i128::from(number % by != 0)
}

fn suffix_of(suffix: &str) -> Option<(i32, Notation)> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((*exponent, Notation::Decimal));
    }
    if let Some(power) = BINARY.iter().position(|name| *name == suffix) {
        return Some((i32::try_from(power * 10).ok()?, Notation::Binary));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    Some((exponent, Notation::Exponent))
}

fn decimal(nanos: i128, with_exponent: bool) -> String {
    let (number, exponent) = without_factor(nanos, 1000, -SCALE, 3);
    let suffix = DECIMAL.iter().find(|(_, power)| *power == exponent);
    match suffix {
        _ if exponent == 0 => number.to_string(),
        Some((suffix, _)) if !with_exponent => format!("{number}{suffix}"),
        _ => format!("{number}e{exponent}"),
    }
}

fn binary(number: i128) -> String {
    let (number, power) = without_factor(number, 1024, 0, 1);
    let suffix = usize::try_from(power)
        .ok()
        .and_then(|power| BINARY.get(power));
    format!("{number}{}", suffix.unwrap_or(&""))
}

/// Moves every `factor` of a number that is not 0 into the exponent.
fn without_factor(mut number: i128, factor: i128, mut exponent: i32, step: i32) -> (i128, i32) {
    while number % factor == 0 {
        number /= factor;
        exponent += step;
    }
    (number, exponent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Written by Kubernetes' own library: text, canonical text, whole units rounded up.
    const CASES: &[(&str, &str, i64)] = &[
        ("0", "0", 0),
        ("0m", "0", 0),
        ("00", "0", 0),
        ("1.5Gi", "1536Mi", 1_610_612_736),
        ("5000m", "5", 5),
        ("0.1", "100m", 1),
        ("1.500", "1.500", 2),
        ("+1", "+1", 1),
        ("007m", "007m", 1),
        ("1e3", "1e3", 1000),
        ("1E3", "1E3", 1000),
        ("100Mi", "100Mi", 104_857_600),
        ("1025Mi", "1025Mi", 1_074_790_400),
        ("1024Mi", "1Gi", 1_073_741_824),
        ("1000", "1k", 1000),
        ("2000Mi", "2000Mi", 2_097_152_000),
        ("8Ki", "8Ki", 8192),
        ("1023", "1023", 1023),
        ("1024", "1024", 1024),
        ("0.5Ki", "512", 512),
        ("0.5Gi", "512Mi", 536_870_912),
        ("1.0", "1", 1),
        ("1.", "1.", 1),
        ("1.25", "1250m", 2),
        ("1234567", "1234567", 1_234_567),
        ("1000000", "1M", 1_000_000),
        ("100u", "100u", 1),
        ("1n", "1n", 1),
        ("0.0000000001", "1n", 1),
        ("-5000m", "-5", -5),
        ("-1", "-1", -1),
        ("1e-10", "1e-9", 1),
        ("12e4", "120e3", 120_000),
        ("1e1", "10", 10),
        ("1000e3", "1e6", 1_000_000),
        ("1Ti", "1Ti", 1_099_511_627_776),
        ("100Ti", "100Ti", 109_951_162_777_600),
        ("0100Ti", "100Ti", 109_951_162_777_600),
        ("16Ti", "16Ti", 17_592_186_044_416),
        ("1Ei", "1Ei", 1_152_921_504_606_846_976),
        ("8Ei", "9223372036854775807", 9_223_372_036_854_775_807),
        ("9Ei", "9223372036854775807", 9_223_372_036_854_775_807),
        ("1E", "1E", 1_000_000_000_000_000_000),
        ("1000P", "1E", 1_000_000_000_000_000_000),
        ("0.001", "1m", 1),
        ("1500m", "1500m", 2),
        ("2", "2", 2),
        ("+0.5", "500m", 1),
        ("1.5", "1500m", 2),
        ("1.5k", "1500", 1500),
        ("10Ki", "10Ki", 10_240),
        ("3Gi", "3Gi", 3_221_225_472),
        ("1.1Mi", "1153433600m", 1_153_434),
        ("-0.5Gi", "-512Mi", -536_870_912),
        ("5Ki", "5Ki", 5120),
        ("512Ki", "512Ki", 524_288),
    ];

    #[test]
    fn quantities_are_stored_as_kubernetes_writes_them() {
        for (text, stored, units) in CASES {
            assert_eq!(canonical(text), *stored, "{text}");
            let amount = Amount::parse(text).unwrap();
            let units = u64::try_from(*units).unwrap_or(0);
            assert_eq!(amount.as_bytes(), units, "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_stays() {
        for text in [
            "",
            "x",
            "1x",
            "1e",
            "1e1.5",
            "--1",
            "1 Gi",
            "Ki",
            "1e99999999999",
        ] {
            assert_eq!(canonical(text), text);
            assert_eq!(Amount::parse(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_compare_by_value() {
        let amount = |text| Amount::parse(text).unwrap();
        assert_eq!(amount("1Gi"), amount("1073741824"));
        assert!(amount("1G") < amount("1Gi"));
        assert!(amount("-1") < amount("1n"));
    }

    proptest! {
        #[test]
        fn canonicalisation_is_idempotent_and_keeps_the_value(
            text in r"[+-]?[0-9]{1,14}(\.[0-9]{0,6})?(|n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|e-?[0-9])"
        ) {
            let once = canonical(&text);
            prop_assert_eq!(canonical(&once), once.clone());
            prop_assert_eq!(Amount::parse(&once), Amount::parse(&text));
        }

        #[test]
        fn no_text_panics(text in r"[-+0-9.eEKMGi]{0,60}") {
            let _ = canonical(&text);
            let _ = Amount::parse(&text).map(Amount::as_bytes);
        }
    }
}
