//! Images, as the binary meets them.

use std::fs;
use std::process::Command;

use crate::corpus::Group;

/// A PNG's first chunk, with a checksum, for an image of this size.
fn header(width: u32, height: u32) -> Vec<u8> {
    let mut chunk = b"IHDR".to_vec();
    chunk.extend(width.to_be_bytes());
    chunk.extend(height.to_be_bytes());
    chunk.extend([8, 2, 0, 0, 0]);
    // The checksum of PNG: CRC-32, bit by bit.
    let crc = chunk.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(
            crc ^ u32::from(byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 },
        )
    });
    [b"\x89PNG\r\n\x1a\n\0\0\0\x0d".as_slice(), &chunk, &(!crc).to_be_bytes()].concat()
}

pub(crate) fn rows(group: &mut Group<'_>) {
    let folder = std::env::temp_dir().join(format!("southwell-bad-images-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a scratch folder");
    let run = |image: &str, out: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_southwell"))
            .args(["colour-transfer", image, image, "--out", out])
            .current_dir(&folder)
            .output()
            .expect("the binary");
        assert!(output.stdout.is_empty());
        let text = String::from_utf8(output.stderr).expect("text");
        match output.status.code() {
            Some(0) => Ok(()),
            Some(1) => Err(text.trim_end().to_owned()),
            code => panic!("{image}: {code:?} {text}"),
        }
    };
    for (name, file, bytes) in [
        ("empty", "empty.png", vec![]),
        ("text", "text.png", b"not an image\n".to_vec()),
        ("a signature alone", "signature.png", b"\x89PNG\r\n\x1a\n".to_vec()),
        ("no pixels", "header.png", header(4, 4)),
        ("a width of zero", "zero.png", header(0, 4)),
        ("ten gigapixels promised", "large.png", header(100_000, 100_000)),
        ("a JPEG cut short", "short.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec()),
        ("a name without format", "image.bmp", b"BM".to_vec()),
    ] {
        fs::write(folder.join(file), bytes).expect("a scratch file");
        group.bad(name, run(file, "out.png"));
    }
    group.bad("an output of another kind", run("header.png", "out.tiff"));
    group.bad("an output without suffix", run("header.png", "out"));
    fs::remove_dir_all(&folder).expect("the scratch folder");
}
