//! What the program writes about itself, and reports of runs.

use super::{Folder, grid, southwell};

const COMMANDS: [&str; 13] = [
    "background",
    "devices",
    "fit",
    "heat",
    "recover",
    "relax",
    "descend",
    "transport",
    "balance",
    "reproduce",
    "colour-transfer",
    "completions",
    "man",
];

#[test]
fn help_fits_a_terminal_of_80_columns() {
    let program = southwell(&["--help"]);
    assert_eq!(program.code, 0);
    for command in COMMANDS {
        assert!(program.out.contains(command), "{command} is not listed");
        let help = southwell(&[command, "--help"]);
        assert_eq!(help.code, 0, "{command}");
        for line in help.out.lines().chain(program.out.lines()) {
            assert!(line.chars().count() <= 80, "{command}: {line}");
        }
    }
}

#[test]
fn completions_and_manual_pages_name_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = southwell(&["completions", shell]);
        assert_eq!(script.code, 0, "{shell}");
        assert!(COMMANDS.iter().all(|command| script.out.contains(command)), "{shell}");
    }
    let page = southwell(&["man"]);
    assert!(page.code == 0 && page.out.contains(".TH"), "{}", page.out);
    assert!(page.out.contains("colour\\-transfer"), "{}", page.out);
    let page = southwell(&["man", "transport"]);
    assert!(page.code == 0 && page.out.contains("epsilon"), "{}", page.out);
    let wrong = southwell(&["man", "transports"]);
    assert!(wrong.code == 1 && wrong.err.contains("see southwell --help"), "{}", wrong.err);
}

#[test]
fn a_report_is_one_page_with_what_was_printed_and_drawn() {
    let folder = Folder::new();
    let (matrix, report) = (folder.write("a<b>.mtx", grid(8)), folder.path("report.html"));
    let told = southwell(&["relax", &matrix, "--report", &report]);
    assert_eq!(told.code, 0, "{}", told.err);
    let page = std::fs::read_to_string(&report).expect("a report");
    assert!(page.contains(told.out.trim_end()) && page.contains("<figure><svg"), "{page}");
    assert!(page.contains("a&lt;b&gt;.mtx") && !page.contains("<script"), "{page}");
    assert_eq!(page.matches("<svg").count(), 1);
    // A plot that is wanted as well is kept, and is the one on the page.
    let plot = folder.path("plot.svg");
    let told = southwell(&["relax", &matrix, "--report", &report, "--plot", &plot]);
    assert_eq!(told.code, 0, "{}", told.err);
    let (page, plot) = (std::fs::read_to_string(&report), std::fs::read_to_string(&plot));
    let (page, plot) = (page.expect("a report"), plot.expect("a plot"));
    assert!(page.contains(&plot[plot.find("<svg").expect("a drawing")..]));
    // What does not converge is reported too; what is refused is not.
    let told = southwell(&["relax", &matrix, "--max-iterations", "1", "--report", &report]);
    assert!(told.code == 3 && std::fs::read_to_string(&report).expect("a report").contains("step-limit"));
    let none = folder.path("none.html");
    let told = southwell(&["relax", "no-such.mtx", "--report", &none]);
    assert!(told.code == 1 && !std::path::Path::new(&none).exists());
    let told = southwell(&["relax", &matrix, "--report", "no/such/folder/report.html"]);
    assert!(told.code == 1 && told.err.contains("create the directory first"), "{}", told.err);
}
