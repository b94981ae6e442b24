//! What commands print: text for people on stdout, one JSON object as its last line on request.

use std::io::{ErrorKind, IsTerminal as _, Write};

use clearlane_core::money::{Score, format_amount};
use serde_json::Value;

use super::failure::Failure;

/// The decimals of a score.
const SCORE_SCALE: u8 = 18;

/// Prints text for people and, on request, one JSON object in its place.
///
/// A reader that went away is no failure; output that could not be written is.
pub(crate) fn print(is_json: bool, human: &str, json: &Value) -> Result<(), Failure> {
    let text = if is_json { json.to_string() } else { human.trim_end().to_owned() };
    line(&text)
}

/// Prints one line.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    write_line(std::io::stdout().lock(), text)
}

fn write_line(mut out: impl Write, text: &str) -> Result<(), Failure> {
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        // A closed pipe ends the output, not the command.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Failed(format!("can't write to standard output: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints one line on stderr; a closed one is no failure.
pub(crate) fn note(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// Whether stdout is a terminal that shows colours.
pub(crate) fn is_colourful() -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stdout().is_terminal() && !is_dumb && !is_unwanted
}

/// Shows on stderr that something runs; nothing where stderr is no terminal.
pub(crate) fn spinner(message: &str) -> indicatif::ProgressBar {
    if !std::io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new_spinner().with_message(message.to_owned());
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}

/// Shows on stderr how much of something is done, and what is being done; nothing where stderr is no terminal.
pub(crate) fn bar(length: u64, of_what: &str) -> indicatif::ProgressBar {
    if !std::io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new(length);
    let style = indicatif::ProgressStyle::with_template(&format!("{{wide_bar}} {{pos}}/{{len}} {of_what}  {{msg}}"));
    bar.set_style(style.unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()));
    bar
}

/// A score in reference units with two decimals, or with four digits that count if it is less than one; the rest is
/// cut off.
pub(crate) fn short_score(score: Score) -> String {
    let text = format_amount(score.unsigned_abs(), SCORE_SCALE);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let zeros = fraction.len().saturating_sub(fraction.trim_start_matches('0').len());
    let kept = if whole == "0" && zeros < fraction.len() { zeros.saturating_add(4) } else { 2 };
    let sign = if score < 0 { "-" } else { "" };
    format!("{sign}{whole}.{}", fraction.get(..kept).unwrap_or(fraction))
}

/// A score in whole reference units with all its decimals, without trailing zeros.
pub(crate) fn score_text(score: Score) -> String {
    let sign = if score < 0 { "-" } else { "" };
    format!("{sign}{}", trimmed(&format_amount(score.unsigned_abs(), SCORE_SCALE)))
}

/// An amount that the engine gave in atoms, in whole units; unreadable text stays as it is.
pub(crate) fn amount_text(atoms: &str, scale: u32) -> String {
    match (atoms.parse(), u8::try_from(scale)) {
        (Ok(atoms), Ok(scale)) => format_amount(atoms, scale),
        (_, _) => atoms.to_owned(),
    }
}

/// A number of things, in the plural but for one.
pub(crate) fn counted(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// Aligns rows under a header, columns two spaces apart.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(header.get(column).map(|name| name.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let aligned = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let head = aligned(header.to_vec());
    let body = rows.iter().map(|row| aligned(row.iter().map(String::as_str).collect()));
    std::iter::once(head).chain(body).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_scores_keep_what_counts() {
        assert_eq!(short_score(7_660_239_999_999_999_999_999), "7660.23");
        assert_eq!(short_score(-1_500_000_000_000_000_000), "-1.50");
        assert_eq!(short_score(7_852_323_434_651_157), "0.007852");
        assert_eq!(short_score(1), "0.000000000000000001");
        assert_eq!(short_score(0), "0.00");
    }

    #[test]
    fn scores_and_amounts_are_exact() {
        assert_eq!(score_text(1_500_000_000_000_000_000), "1.5");
        assert_eq!(score_text(-1), "-0.000000000000000001");
        assert_eq!(score_text(0), "0");
        assert_eq!(amount_text("12345", 2), "123.45");
        assert_eq!(amount_text("?", 2), "?");
        assert_eq!([counted(1, "worker"), counted(0, "worker")], ["1 worker", "0 workers"]);
    }

    #[test]
    fn only_a_reader_that_went_away_is_no_failure() {
        struct Broken(ErrorKind);
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(self.0.into())
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        assert!(write_line(Broken(ErrorKind::BrokenPipe), "text").is_ok());
        assert!(write_line(Broken(ErrorKind::StorageFull), "text").is_err());
    }

    #[test]
    fn columns_align() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["long".to_owned(), "2".to_owned()]];
        assert_eq!(table(&["name", "n"], &rows), "name  n\na     1\nlong  2\n");
    }
}
