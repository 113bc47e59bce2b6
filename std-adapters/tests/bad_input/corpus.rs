//! The rows, and the file that they are compared with.

use std::fmt::{Display, Write as _};
use std::path::PathBuf;

/// Rows so far.
#[derive(Default)]
pub(crate) struct Corpus {
    rows: Vec<(String, String)>,
    accepted: Vec<String>,
}

/// The part of a family or of a file format.
pub(crate) struct Group<'a> {
    name: &'static str,
    corpus: &'a mut Corpus,
}

impl Corpus {
    pub(crate) fn group(&mut self, name: &'static str) -> Group<'_> {
        Group { name, corpus: self }
    }

    /// Compares with `expected.txt`, line by line.
    pub(crate) fn check(mut self) {
        assert!(self.accepted.is_empty(), "these were accepted: {:#?}", self.accepted);
        self.rows.sort();
        for pair in self.rows.windows(2) {
            assert_ne!(pair[0].0, pair[1].0, "two rows of this name");
        }
        assert!(self.rows.len() >= 200, "{} rows are too few", self.rows.len());

        let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/bad_input/expected.txt"].iter().collect();
        let mut given = String::new();
        for (name, text) in &self.rows {
            writeln!(given, "{name}: {text}").expect("a string grows");
        }
        if std::env::var_os("SOUTHWELL_BLESS").is_some() {
            std::fs::write(&path, &given).expect("the expected texts");
        }
        let silent: Vec<_> = self.rows.iter().filter(|(_, text)| !advises(text)).collect();
        assert!(silent.is_empty(), "these do not say what to do: {silent:#?}");
        let expected = std::fs::read_to_string(&path).expect("the expected texts");
        for (given, expected) in given.lines().zip(expected.lines()) {
            assert_eq!(given, expected);
        }
        assert_eq!(given.lines().count(), expected.lines().count(), "rows came or went");
    }
}

impl Group<'_> {
    /// A row: what came of a bad input, which must be a refusal.
    pub(crate) fn bad<T, E: Display>(&mut self, name: &str, result: Result<T, E>) {
        let name = format!("{}/{name}", self.name);
        match result {
            Err(error) => self.corpus.rows.push((name, error.to_string())),
            Ok(_) => self.corpus.accepted.push(name),
        }
    }
}

/// Whether a text says what to do: advice after a semicolon, or the requirement that was not met.
fn advises(text: &str) -> bool {
    ["; ", " must ", " needs ", " is for ", " goes with "].iter().any(|word| text.contains(word))
}
