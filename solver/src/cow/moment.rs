//! Moments as RFC 3339 writes them, such as `2026-08-06T15:11:14.566Z`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Reads a moment; `None` if the text is none, or before 1970.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_at_checked(10)?;
    let [year, month, day] = numbers(date, '-')?;
    let time = time.strip_prefix(['T', 't', ' '])?;
    let (time, offset) = time.split_at_checked(8)?;
    let [hour, minute, second] = numbers(time, ':')?;
    let (nanos, zone) = fraction(offset)?;
    let is_possible = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    if !is_possible {
        return None;
    }
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second - zone_seconds(zone)?;
    UNIX_EPOCH.checked_add(Duration::new(u64::try_from(seconds).ok()?, nanos))
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator).map(|part| {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|_| is_number)
    });
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

/// Nanoseconds, digits beyond the ninth dropped, and what follows them.
fn fraction(text: &str) -> Option<(u32, &str)> {
    let Some(digits) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = digits.find(|digit: char| !digit.is_ascii_digit())?;
    let (digits, rest) = digits.split_at(end);
    let kept: String = digits.chars().chain("000000000".chars()).take(9).collect();
    (end > 0).then_some((kept.parse().ok()?, rest))
}

fn zone_seconds(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, zone) = if let Some(zone) = zone.strip_prefix('+') { (1, zone) } else { (-1, zone.strip_prefix('-')?) };
    let (hours, minutes) = zone.split_once(':')?;
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60))
}

/// Days from 1970 to a date of the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read() {
        let cases = [
            ("1970-01-01T00:00:00.000Z", Some(0)),
            ("2026-08-06T15:11:14.566395390Z", Some(1_786_029_074_566)),
            ("2106-01-01T00:00:00Z", Some(4_291_747_200_000)),
            ("2024-02-29T23:59:59.5+01:00", Some(1_709_247_599_500)),
            ("2000-02-29T00:00:00Z", Some(951_782_400_000)),
            ("1969-12-31T23:59:59Z", None),
            ("2024-13-01T00:00:00Z", None),
            ("2024-01-01T00:00:00", None),
            ("2024-01-01T00:00:00.Z", None),
            ("tomorrow", None),
        ];
        for (given, millis) in cases {
            let moment = parse(given);
            let found = moment.map(|moment| moment.duration_since(UNIX_EPOCH).expect("after 1970").as_millis());
            assert_eq!(found, millis, "{given}");
        }
    }
}
