//! Which known name somebody may have meant by one that is unknown.

/// The one of `known` that is nearest to `name`, if it is so near that it may have been meant: the same but for case,
/// hyphens and underscores, or at most a third of its letters wrong.
pub fn nearest_name<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = folded(name);
    let most = wanted.len() / 3;
    known
        .filter(|known| known.len() + most >= wanted.len())
        .map(|known| (folded(known), known))
        .filter(|(letters, _)| least_distance(&wanted, letters) <= most)
        .map(|(letters, known)| (distance(&wanted, &letters), known))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, known)| known)
}

/// A distance that cannot be undercut, whatever the order of the letters; cheap, so that most names are left at it.
fn least_distance(a: &[char], b: &[char]) -> usize {
    const SLOTS: usize = 32;
    let mut counts = [0_i32; SLOTS];
    let slot = |letter: char| letter as usize % SLOTS;
    for letter in a {
        counts[slot(*letter)] += 1;
    }
    for letter in b {
        counts[slot(*letter)] -= 1;
    }
    let sum = |sign: i32| -> i32 { counts.iter().map(|count| (sign * count).max(0)).sum() };
    usize::try_from(sum(1).max(sum(-1))).unwrap_or(0)
}

/// Names are far shorter; a longer one is cut, so that no text of a user costs much.
const LONGEST: usize = 64;

fn folded(name: &str) -> Vec<char> {
    let letters = name.chars().filter(|letter| !matches!(letter, '-' | '_'));
    letters.flat_map(char::to_lowercase).take(LONGEST).collect()
}

/// Letters to insert, remove, replace or swap with their neighbour to make `b` of `a`.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let replaced = last[j] + usize::from(a[i] != b[j]);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["rackConfig", "image", "size", "storage"];

    #[test]
    fn a_slip_is_understood() {
        for (written, meant) in [
            ("rackconfig", "rackConfig"),
            ("rack-config", "rackConfig"),
            ("rackConfg", "rackConfig"),
            ("iamge", "image"),
            ("sise", "size"),
            ("storages", "storage"),
        ] {
            assert_eq!(
                nearest_name(written, KNOWN.into_iter()),
                Some(meant),
                "{written}"
            );
        }
    }

    #[test]
    fn the_cheap_distance_is_never_the_greater_one() {
        let letters = |word: &str| word.chars().collect::<Vec<_>>();
        for (a, b) in [
            ("size", "iszes"),
            ("", "abc"),
            ("storage", "rackConfig"),
            ("ä", "d"),
        ] {
            let (a, b) = (letters(a), letters(b));
            assert!(least_distance(&a, &b) <= distance(&a, &b));
        }
    }

    #[test]
    fn another_word_is_not_taken_for_a_slip() {
        for written in ["", "x", "replicas", "si", "ä"] {
            assert_eq!(nearest_name(written, KNOWN.into_iter()), None, "{written}");
        }
    }
}
