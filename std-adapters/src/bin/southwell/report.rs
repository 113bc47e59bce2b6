//! `--report OUT.html`: one page with what a command printed and drew. It opens in any browser, needs no other file,
//! and holds no scripts.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

use clap::ArgMatches;

use crate::output::{self, Failure};

/// A page to be written when the command is done.
#[derive(Debug)]
pub(crate) struct Report {
    path: PathBuf,
    /// What was typed.
    typed: String,
    title: String,
    plot: Option<Plot>,
}

/// Where the drawing goes: where the user wants it, or for this page alone.
#[derive(Debug)]
enum Plot {
    Kept(PathBuf),
    Passing(PathBuf),
}

impl Report {
    /// Refuses a place that cannot be written, before anything is computed.
    pub(crate) fn begin(
        path: &Path,
        words: &[OsString],
        command: Option<(&str, &ArgMatches)>,
    ) -> Result<Self, Failure> {
        output::check_writable("--report", path)?;
        let typed: Vec<_> = words.iter().skip(1).map(|word| word.to_string_lossy()).collect();
        let mut report =
            Report { path: path.to_owned(), typed: typed.join(" "), title: String::new(), plot: None };
        if let Some((name, matches)) = command {
            report.title = format!("southwell {name}");
            // A command without this option draws nothing.
            report.plot = match matches.try_get_one::<PathBuf>("plot") {
                Ok(Some(path)) => Some(Plot::Kept(path.clone())),
                Ok(None) => {
                    let name = format!("southwell-report-{}.svg", process::id());
                    Some(Plot::Passing(env::temp_dir().join(name)))
                }
                Err(_) => None,
            };
        }
        Ok(report)
    }

    /// The plot that the command has to be asked for.
    pub(crate) fn plot_to_add(&self) -> Option<&Path> {
        match &self.plot {
            Some(Plot::Passing(path)) => Some(path),
            _ => None,
        }
    }

    /// Writes the page.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        let svg = match &self.plot {
            Some(Plot::Kept(path)) => fs::read_to_string(path).unwrap_or_default(),
            Some(Plot::Passing(path)) => {
                let svg = fs::read_to_string(path).unwrap_or_default();
                let _ = fs::remove_file(path);
                svg
            }
            None => String::new(),
        };
        let page = page(&self.title, &self.typed, &output::printed(), &svg);
        fs::write(&self.path, page)
            .map_err(|error| format!("--report {}: {error}; name another file", self.path.display()).into())
    }
}

fn page(title: &str, typed: &str, printed: &str, svg: &str) -> String {
    let (title, typed, printed) = (escaped(title), escaped(typed), escaped(printed));
    // A declaration belongs at the beginning of a document of its own alone.
    let svg = svg.find("<svg").map_or("", |start| &svg[start..]);
    let figure = if svg.is_empty() { String::new() } else { format!("<figure>{svg}</figure>\n") };
    let (version, level) = (env!("CARGO_PKG_VERSION"), southwell_simd::level_name());
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<style>\n\
         body {{ font: 1rem/1.5 sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}\n\
         pre {{ background: #f4f4f4; padding: 0.8rem; overflow-x: auto; }}\n\
         figure {{ margin: 1rem 0; }}\nsvg {{ max-width: 100%; height: auto; }}\n\
         footer {{ color: #666; font-size: 0.85rem; }}\n</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
         <pre>southwell {typed}</pre>\n{figure}<pre>{printed}</pre>\n\
         <footer>southwell {version}, passes on {level}. The numbers are the same on every instruction set; the \
         seconds are this machine's.</footer>\n</body>\n</html>\n"
    )
}

/// Text that stands for itself in HTML.
fn escaped(text: &str) -> String {
    let visible = text.chars().filter(|c| !c.is_control() || *c == '\n').collect::<String>();
    visible.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_one_file_without_scripts() {
        let page = page("a <b>", "heat \"x\"", "1 < 2 & 3\u{7}\n", "<?xml version=\"1.0\"?><svg>a</svg>");
        assert!(page.contains("<title>a &lt;b&gt;</title>") && page.contains("1 &lt; 2 &amp; 3\n"));
        assert!(page.contains("<figure><svg>a</svg></figure>") && !page.contains("<?xml"));
        assert!(!page.contains("<script") && !page.contains("http") && !page.contains('\u{7}'));
    }
}
