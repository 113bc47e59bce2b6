//! The command line of southwell.
fn main() {}
