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

/// Writes a moment in UTC to the millisecond.
pub(super) fn text(moment: SystemTime) -> String {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    let (year, month, day) = date(seconds.div_euclid(DAY));
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut parts = text.split(separator).map(number);
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

fn number(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
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
    let below = |text: &str, bound: i64| number(text).filter(|number| *number < bound);
    Some(sign * (below(hours, 24)? * 3600 + below(minutes, 60)? * 60))
}

/// Days from 1970 to a date of the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date that many days after 1970 began, by the same source.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let years = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * years + years / 4 - years / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    (years + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_and_written() {
        let cases = [
            ("1970-01-01T00:00:00.000Z", Some(0), "1970-01-01T00:00:00.000Z"),
            ("2026-08-06T15:11:14.566395390Z", Some(1_786_029_074_566), "2026-08-06T15:11:14.566Z"),
            ("2106-01-01T00:00:00Z", Some(4_291_747_200_000), "2106-01-01T00:00:00.000Z"),
            ("2024-02-29T23:59:59.5+01:00", Some(1_709_247_599_500), "2024-02-29T22:59:59.500Z"),
            ("2000-02-29T00:00:00Z", Some(951_782_400_000), "2000-02-29T00:00:00.000Z"),
            ("1969-12-31T23:59:59Z", None, ""),
            ("2024-13-01T00:00:00Z", None, ""),
            ("2024-01-01T00:00:00", None, ""),
            ("2024-01-01T00:00:00.Z", None, ""),
            ("2024-01-01T00:00:00+9999999999999999:00", None, ""),
            ("2024-01-01T00:00:00-9223372036854775808:00", None, ""),
            ("2024-01-01T00:00:00+24:00", None, ""),
            ("2024-01-01T00:00:00+00:60", None, ""),
            ("2024-01-01T00:00:00+-1:00", None, ""),
            ("2024-01-01T23:59:00+23:59", Some(1_704_067_200_000), "2024-01-01T00:00:00.000Z"),
            ("tomorrow", None, ""),
        ];
        for (given, millis, written) in cases {
            let moment = parse(given);
            let found = moment.map(|moment| moment.duration_since(UNIX_EPOCH).expect("after 1970").as_millis());
            assert_eq!(found, millis, "{given}");
            assert_eq!(moment.map(text).unwrap_or_default(), written, "{given}");
        }
    }
}
