//! NumPy archives, as files in a scratch directory whose name is left out of the texts.

use std::fs;

use southwell_std::files::archive::{self, Archive};
use southwell_std::files::{FileError, npz};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::corpus::Group;
use crate::numpy::{array, eights};

/// A file of these bytes, read, and the error without the path.
fn read<T>(bytes: &[u8], reader: impl FnOnce(&std::path::Path) -> Result<T, FileError>) -> Result<T, String> {
    let path = std::env::temp_dir().join(format!("southwell-bad-input-{}.npz", std::process::id()));
    fs::write(&path, bytes).expect("a scratch file");
    let result = reader(&path).map_err(|error| {
        let text = error.to_string();
        text.strip_prefix(&format!("{}: ", path.display())).expect("the path first").to_owned()
    });
    fs::remove_file(&path).expect("the scratch file");
    result
}

/// An archive with one member.
fn zipped(name: &str, content: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    writer.start_file(name, options).expect("a member");
    std::io::Write::write_all(&mut writer, content).expect("memory");
    writer.finish().expect("an archive").into_inner()
}

pub(crate) fn rows(group: &mut Group<'_>) {
    let stored = CompressionMethod::Stored;
    let sound = zipped("b.npy", &array("'<f8'", "(2,)", &eights(&[1.0, 2.0])), stored);
    let b = |path: &std::path::Path| npz::read(path, ["b"]);
    assert!(read(&sound, b).is_ok());
    group.bad("empty", read(b"", b));
    group.bad("text", read(b"a, b\n1, 2\n", b));
    group.bad("a NumPy array", read(&array("'<f8'", "(1,)", &[0; 8]), b));
    group.bad("cut short", read(&sound[..sound.len() / 2], b));
    group.bad("its directory alone", read(&sound[sound.len() - 22..], b));
    group.bad("another name", read(&sound, |path| npz::read(path, ["a"])));
    group.bad(
        "no arrays",
        read(&ZipWriter::new(std::io::Cursor::new(vec![])).finish().expect("empty").into_inner(), b),
    );
    group.bad("a name that upsets terminals", read(&zipped("\x1b[2J\n.npy", b"", stored), b));
    group.bad("a member without its suffix", read(&zipped("b", b"", stored), b));
    group.bad("a member that is empty", read(&zipped("b.npy", b"", stored), b));
    group.bad("a member that is text", read(&zipped("b.npy", b"1, 2, 3", stored), b));
    group.bad(
        "a member with NaN",
        read(&zipped("b.npy", &array("'<f8'", "(1,)", &eights(&[f64::NAN])), stored), b),
    );
    group.bad(
        "a member that promises terabytes",
        read(&zipped("b.npy", &array("'<f8'", "(1000000000000,)", &[0; 8]), stored), b),
    );
    group.bad(
        "a member that is a cube",
        read(&zipped("b.npy", &array("'<f8'", "(1, 1, 1)", &[0; 8]), stored), b),
    );
    group.bad("a matrix that is a vector", read(&sound, |path| npz::read_system(path, "b", "b")));
    group.bad(
        "a potential of plus infinity",
        read(&zipped("f.npy", &array("'<f8'", "(1,)", &eights(&[f64::INFINITY])), stored), |path| {
            npz::read_potentials(path, ["f"])
        }),
    );
    // A method that this reader does not know, as compressed archives have: the two places that name it are changed.
    let mut compressed = sound.clone();
    for (mark, place) in [(b"PK\x03\x04", 8), (b"PK\x01\x02", 10)] {
        let at = compressed.windows(4).position(|window| window == mark).expect("a header");
        compressed[at + place] = 8;
    }
    group.bad("compressed", read(&compressed, b));
    let mut damaged = sound.clone();
    let at = damaged.windows(16).position(|window| window == eights(&[1.0, 2.0])).expect("the elements");
    damaged[at] ^= 1;
    group.bad("a byte that was flipped", read(&damaged, b));
    group.bad("cut short, asked for its names", read(&sound[..30], |path| Archive::open(path)));
    let fortran = "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2, 2)}";
    let cube = zipped("t.npy", &crate::numpy::file(fortran, &[0; 64]), stored);
    group.bad("a cube in Fortran order", read(&cube, |path| Archive::open(path)?.array("t")));
    assert!(archive::write("no/such/directory/x.npz", &[]).is_err());
}
