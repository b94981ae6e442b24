//! Which of many names somebody may have meant.

/// The names suggested at most.
const SUGGESTED_MAX: usize = 3;
/// The longest names that are compared letter by letter: comparing takes the product of their lengths.
const COMPARED_BYTES_MAX: usize = 256;

/// The names nearest to what was asked for: those that contain it or begin alike, then those a few letters away.
pub(crate) fn nearest<'a>(asked: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let asked = asked.to_lowercase();
    let mut ranked: Vec<((bool, usize), &str)> =
        names.map(|name| (distance(&asked, &name.to_lowercase()), name)).collect();
    ranked.sort();
    ranked.dedup();
    // Names that share nothing with it are no help.
    let is_near =
        |(rank, name): &((bool, usize), &str)| !rank.0 || rank.1.saturating_mul(2) <= name.chars().count().max(2);
    ranked.into_iter().filter(is_near).take(SUGGESTED_MAX).map(|(_, name)| name).collect()
}

/// Whether neither contains the other, and how many letters lie between.
fn distance(asked: &str, name: &str) -> (bool, usize) {
    let is_part = !asked.is_empty() && (name.contains(asked) || asked.contains(name));
    if is_part || asked.len().max(name.len()) > COMPARED_BYTES_MAX {
        return (!is_part, asked.len().abs_diff(name.len()));
    }
    (true, edits(asked, name))
}

/// How many letters have to be put in, left out or replaced (Levenshtein).
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in (1_usize..).zip(one.chars()) {
        let mut next = vec![above];
        for ((before, pair), found) in next_cells(&row).zip(&other) {
            let left = next.last().copied().unwrap_or(above);
            let replaced = before.saturating_add(usize::from(*found != letter));
            next.push(replaced.min(pair.saturating_add(1)).min(left.saturating_add(1)));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// Each cell of a row with the one after it.
fn next_cells(row: &[usize]) -> impl Iterator<Item = (usize, usize)> + '_ {
    row.iter().copied().zip(row.iter().copied().skip(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_comes_first_and_what_is_far_not_at_all() {
        let names = ["i00000", "i00001", "i00010", "payment-7", "ann"];
        let cases: &[(&str, &[&str])] = &[
            ("i0000", &["i00000", "i00001"]),
            ("I00001", &["i00001", "i00000", "i00010"]),
            ("payment", &["payment-7"]),
            ("amn", &["ann"]),
            ("zzzzzz", &[]),
            ("", &[]),
        ];
        for (asked, expected) in cases {
            let found = nearest(asked, names.into_iter());
            assert!(found.starts_with(expected), "{asked}: {found:?}");
            assert_eq!(found.is_empty(), expected.is_empty(), "{asked}: {found:?}");
        }
        assert_eq!([edits("kitten", "sitting"), edits("", "abc"), edits("abc", "abc")], [3, 3, 0]);
    }
}
