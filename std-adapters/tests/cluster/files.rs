//! Files that are read by all ranks together.

use std::fs;
use std::path::{Path, PathBuf};

use southwell_std::cluster::{Communicator, Fault, Threads, read};
use southwell_std::files::{SparseMatrix, matrix_market, npy};

use crate::ranks::{numbers, run};

struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("southwell-pieces-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a place for temporary files");
        Self(path)
    }

    fn write(&self, text: &[u8]) -> PathBuf {
        let path = self.0.join("a.mtx");
        fs::write(&path, text).expect("written");
        path
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The rows of all ranks, one after the other; the most entries that a rank had.
fn joined(path: &Path, ranks: usize) -> Result<(SparseMatrix, usize), Fault> {
    let path = path.to_owned();
    let parts = run(ranks, move |comm: &Threads| read::matrix_market(comm, &path));
    let mut whole = SparseMatrix { row_offsets: vec![0], ..SparseMatrix::default() };
    let mut most = 0;
    for part in parts {
        let (part, _) = part?;
        let base = *whole.row_offsets.last().expect("at least one");
        whole.rows += part.rows;
        whole.columns = part.columns;
        whole.row_offsets.extend(part.row_offsets[1..].iter().map(|offset| base + offset));
        most = most.max(part.values.len());
        whole.column_indices.extend(part.column_indices);
        whole.values.extend(part.values);
    }
    Ok((whole, most))
}

#[test]
fn the_rows_are_those_of_one_reader() {
    let files = Files::new("rows");
    let crooked = b"%%MatrixMarket matrix coordinate real general\r\n% a comment\r\n\r\n5 5 9\r\n1 1 4\r\n2 2 0.1\r\n\n2 2 0.2\n\
2 2 0.3\n3 3 1D1\n5 1 -1\n4 4 2.5\n5 5 3\n1 5 7";
    let paths = [
        PathBuf::from("tests/data/nos3.mtx"),
        PathBuf::from("tests/data/1138_bus.mtx"),
        files.write(crooked),
    ];
    for path in paths {
        let whole = matrix_market::read(&path).expect("read").into_sparse().expect("sparse");
        for ranks in 1..=4 {
            let (joined, most) = joined(&path, ranks).expect("no fault");
            assert_eq!(joined, whole, "{} on {ranks} ranks", path.display());
            let share = whole.values.len() / ranks;
            assert!(share < 100 || most < share * 3 / 2, "no rank holds the whole: {most} of {share}");
        }
    }
}

#[test]
fn a_bad_line_has_the_number_that_one_reader_gives_it() {
    let files = Files::new("lines");
    let head = "%%MatrixMarket matrix coordinate real general\n%\n6 6 6\n";
    let good = ["1 1 1\n", "2 2 1\n", "3 3 1\n", "4 4 1\n", "5 5 1\n", "6 6 1\n"];
    let mut bad: Vec<String> = Vec::new();
    for (at, line) in
        [(0, "0 1 1\n"), (2, "3 9 1\n"), (3, "4 4 nan\n"), (5, "6 6\n"), (5, "%\n"), (4, "5 5 1 1\n")]
    {
        let mut lines = good;
        lines[at] = line;
        bad.push(format!("{head}\n{}", lines.concat()));
    }
    bad.push(format!("{head}{}", good[..5].concat()));
    bad.push("%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 1\n".to_owned());
    bad.push("%%MatrixMarket matrix coordinate real general\n9 9 999\n1 1 1\n".to_owned());
    for text in bad {
        let path = files.write(text.as_bytes());
        let one = matrix_market::read(&path).expect_err("refused").to_string();
        for ranks in 1..=4 {
            match joined(&path, ranks) {
                Err(Fault::Refused { message, .. }) => assert_eq!(message, one, "{ranks} ranks: {text}"),
                other => panic!("{ranks} ranks: {other:?}"),
            }
        }
    }
    // More than promised is refused as well, on some line.
    let path = files.write(format!("{head}{}1 2 1\n", good.concat()).as_bytes());
    for ranks in 1..=4 {
        let words = joined(&path, ranks).expect_err("refused").to_string();
        assert!(words.contains("only 6 entries were promised"), "{words}");
    }
}

#[test]
fn a_file_that_one_rank_does_not_see_is_an_error_on_all() {
    let files = Files::new("missing");
    let there = files.write(b"%%MatrixMarket matrix coordinate pattern general\n2 2 2\n1 1\n2 2\n");
    let other = files.0.join("other.mtx");
    fs::write(&other, b"%%MatrixMarket matrix coordinate pattern general\n3 3 2\n1 1\n2 2\n")
        .expect("written");
    for (path, words) in
        [(files.0.join("nowhere.mtx"), "No such file"), (other, "not the file that rank 0 sees")]
    {
        let (there, path) = (there.clone(), path);
        let faults = run(2, move |comm: &Threads| {
            let path = if comm.rank() == 1 { &path } else { &there };
            read::matrix_market(comm, path).err().map(|fault| fault.to_string())
        });
        assert!(faults.iter().all(|fault| *fault == faults[0]), "{faults:?}");
        let said = faults[0].clone().expect("refused");
        assert!(said.starts_with("rank 1: ") && said.contains(words), "{said}");
    }
}

#[test]
fn numpy_arrays_are_read_by_items() {
    let files = Files::new("npy");
    let (vector, matrix) = (files.0.join("v.npy"), files.0.join("m.npy"));
    npy::write_vector(&vector, &numbers(1, 31)).expect("written");
    npy::write_matrix(&matrix, 11, 5, &numbers(2, 55)).expect("written");
    for ranks in 1..=4 {
        for (path, width, values) in [(&vector, 1, numbers(1, 31)), (&matrix, 5, numbers(2, 55))] {
            let path = path.clone();
            let parts = run(ranks, move |comm: &Threads| read::npy(comm, &path).expect("no fault"));
            assert!(parts.iter().all(|part| part.1 == width));
            let joined: Vec<f64> = parts.into_iter().flat_map(|part| part.0).collect();
            assert_eq!(joined, values, "{ranks} ranks");
        }
    }
    let faults = run(3, |comm: &Threads| read::npy(comm, Path::new("tests/data/numpy-complex.npy")).err());
    assert!(faults.iter().all(|fault| matches!(fault, Some(Fault::Refused { rank: 0, .. }))), "{faults:?}");
    for name in ["numpy-big-endian.npy", "numpy-f4.npy", "numpy-i2.npy", "numpy-bool.npy", "numpy-c.npy"] {
        let path = PathBuf::from("tests/data").join(name);
        let whole =
            npy::read_matrix(&path).map(|m| m.values).or_else(|_| npy::read_vector(&path)).expect("read");
        let (values, _) = npy::read_rows(&path, |items| 0..items).expect("read");
        assert_eq!(values, whole, "{name}");
    }
}
