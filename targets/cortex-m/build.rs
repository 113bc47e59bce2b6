//! Writes the memory map of the board that a target stands for.

use std::{env, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let (flash_at, ram_at) = match env::var("TARGET")?.as_str() {
        "thumbv8m.main-none-eabihf" => (0x1000_0000, 0x3800_0000),
        _ => (0x0000_0000, 0x2000_0000),
    };
    let (flash, ram) = match env::var("TARGET")?.as_str() {
        // The mps2 boards have megabytes of RAM: 64 KiB is what the project promises to need.
        "thumbv7em-none-eabihf" | "thumbv7m-none-eabi" | "thumbv8m.main-none-eabihf" => ("4M", "64K"),
        // microbit (nRF51822).
        "thumbv6m-none-eabi" => ("256K", "16K"),
        other => return Err(format!("no board is known for the target {other}").into()),
    };
    // For the proof alone: an image that links, though its board could not hold it.
    println!("cargo:rerun-if-env-changed=SOUTHWELL_FLASH");
    let flash = env::var("SOUTHWELL_FLASH").unwrap_or_else(|_| flash.into());
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let map = format!(
        "MEMORY\n{{\n  FLASH : ORIGIN = {flash_at:#010x}, LENGTH = {flash}\n  RAM : ORIGIN = {ram_at:#010x}, LENGTH = {ram}\n}}\n"
    );
    fs::write(out.join("memory.x"), map)?;
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bins=--nmagic");
    // Where the log's formats go: a section that the part never sees.
    println!("cargo:rustc-link-arg-bin=features=-Tdefmt.x");
    Ok(())
}
