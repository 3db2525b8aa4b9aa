//! From when to when a certificate holds, read from its DER: the TLS library checks the certificates of others, but does
//! not tell the dates of our own.

use std::ops::RangeInclusive;

use k8s_openapi::jiff::{Timestamp, civil::DateTime, tz::TimeZone};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The time in which the certificate `der` holds; none if it cannot be read.
#[must_use]
pub fn of(der: &[u8]) -> Option<RangeInclusive<Timestamp>> {
    let certificate = expect(&mut { der }, SEQUENCE)?;
    let mut fields = expect(&mut { certificate }, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        element(&mut fields)?;
    }
    let _serial = element(&mut fields)?;
    let _algorithm = element(&mut fields)?;
    let _issuer = element(&mut fields)?;
    let mut validity = expect(&mut fields, SEQUENCE)?;
    let from = time(&mut validity)?;
    let until = time(&mut validity)?;
    Some(from..=until)
}

/// Takes one element off `rest`: its tag and content.
fn element<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&tag, after) = rest.split_first()?;
    let (&first, after) = after.split_first()?;
    let (length, after) = if first < 0x80 {
        (usize::from(first), after)
    } else {
        let digits = usize::from(first & 0x7f);
        let (digits, after) = after.split_at_checked(digits).filter(|_| digits <= 4)?;
        let length = digits
            .iter()
            .fold(0, |length, digit| length << 8 | usize::from(*digit));
        (length, after)
    };
    let (content, after) = after.split_at_checked(length)?;
    *rest = after;
    Some((tag, content))
}

fn expect<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (found, content) = element(rest)?;
    (found == tag).then_some(content)
}

/// `YYMMDDHHMMSSZ`, where years from 50 on are of the last century, or `YYYYMMDDHHMMSSZ`.
fn time(rest: &mut &[u8]) -> Option<Timestamp> {
    let (tag, content) = element(rest)?;
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let text = match tag {
        UTC_TIME if text < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let local = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    let zoned = local.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn certificate(from: (i32, u8, u8), until: (i32, u8, u8)) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::new(vec!["a.b.svc".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
        params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn both_forms_of_time_are_read() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(
            of(&certificate((2020, 2, 3), (2049, 12, 31))),
            Some(time("2020-02-03T00:00:00Z")..=time("2049-12-31T00:00:00Z"))
        );
        assert_eq!(
            of(&certificate((1999, 1, 1), (4096, 1, 1))),
            Some(time("1999-01-01T00:00:00Z")..=time("4096-01-01T00:00:00Z"))
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = of(&bytes);
        }

        #[test]
        fn a_torn_certificate_is_read_without_panic(length in 0usize..400, flip in any::<u8>()) {
            let mut bytes = certificate((2020, 2, 3), (2049, 12, 31));
            bytes.truncate(length);
            if let Some(byte) = bytes.last_mut() {
                *byte ^= flip;
            }
            let _ = of(&bytes);
        }
    }
}
