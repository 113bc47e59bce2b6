//! Pages that the program writes about itself: completions for shells, manual pages.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::output::{self, Failure};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  southwell completions bash > ~/.local/share/bash-completion/completions/southwell
  southwell completions zsh > ~/.zfunc/_southwell")]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  southwell man > southwell.1
  southwell man transport | man -l -")]
pub(crate) struct Man {
    /// The command; without, the page of the program.
    command: Option<String>,
}

pub(crate) fn completions(arguments: &Completions, mut command: Command) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "southwell", &mut script);
    output::print(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn man(arguments: &Man, mut command: Command) -> Result<ExitCode, Failure> {
    // Names in full, and what all commands share in each of them.
    command.build();
    let page = match &arguments.command {
        None => command,
        Some(name) => match command.find_subcommand(name) {
            Some(found) => found.clone(),
            None => return Err(format!("there is no command {name}; see southwell --help").into()),
        },
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    output::print(&String::from_utf8(text)?)?;
    Ok(ExitCode::SUCCESS)
}
