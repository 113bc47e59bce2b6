//! Readers take memory for what a file holds, whatever it claims: no request of a hostile file's reader is larger than
//! a small multiple of its length.

#[path = "../data/largest_allocation.rs"]
mod recorder;

use recorder::largest_allocation;
use southwell_std::files::{csv, libsvm, matrix_market, npy};

use crate::numpy::{array, eights};

/// What a reader may take for its buffers.
const BUFFERS: usize = 1 << 17;

#[test]
fn memory_follows_what_the_file_holds() {
    let mut hostile: Vec<(&str, Vec<u8>)> = Vec::new();
    for sizes in
        ["2 2 9999999999999", "16000000 16000000 4000000000", "1 1 18446744073709551615", "100000 100000"]
    {
        for banner in [
            "coordinate real general",
            "coordinate pattern symmetric",
            "array real general",
            "array integer symmetric",
        ] {
            hostile.push(("mtx", format!("%%MatrixMarket matrix {banner}\n{sizes}\n1 1 1\n").into_bytes()));
        }
    }
    for shape in
        ["(1000000000000,)", "(1, 1000000000)", "(100000, 100000)", "(0, 100000)", "(4294967296, 4294967296)"]
    {
        for descr in ["'<f8'", "'|i1'", "'>f4'"] {
            hostile.push(("npy", array(descr, shape, &eights(&[1.0]))));
        }
    }
    for text in ["1 16000000:1\n", "1 1:1 16777217:2\n", "1 4000000000:1\n"] {
        hostile.push(("libsvm", text.as_bytes().to_vec()));
    }
    hostile.push(("csv", "1,".repeat(50_000).into_bytes()));
    for (kind, bytes) in &hostile {
        let largest = largest_allocation(|| match *kind {
            "mtx" => drop(matrix_market::parse(bytes)),
            "npy" => drop((npy::parse_vector(bytes), npy::parse_matrix(bytes))),
            "libsvm" => drop(libsvm::read_from(&bytes[..])),
            _ => drop(csv::parse(&bytes[..])),
        });
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]);
        assert!(
            largest <= BUFFERS + 64 * bytes.len(),
            "{kind}: {largest} bytes for {} of {shown:?}",
            bytes.len()
        );
    }
    // A matrix of sixteen million empty rows is the one thing that may take more, and it is bounded: row offsets.
    let wide = b"%%MatrixMarket matrix coordinate real general\n16777216 1 0\n";
    let largest = largest_allocation(|| drop(matrix_market::parse(wide)));
    assert!(largest <= 4 * ((1 << 24) + 1), "{largest}");
}
