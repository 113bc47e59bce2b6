//! NumPy archives and checkpoints: what is written comes back bit for bit, a damaged file is refused or harmless, and
//! arbitrary bytes take memory by what they hold.
#![no_main]

use std::fs;
use std::path::PathBuf;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use southwell_fuzz::Number;
use southwell_fuzz::memory::{Counting, peak};
use southwell_std::checkpoint::{Checkpoint, Fingerprint, hash};
use southwell_std::files::{archive, npz};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Buffers, lists of members, messages.
const SMALL: usize = 1 << 18;

#[derive(Arbitrary, Debug)]
struct Input {
    vectors: Vec<Vec<Number>>,
    rows: u8,
    columns: u8,
    epsilon: Number,
    marginals: Vec<Number>,
    over_relaxed: bool,
    single: bool,
    steps: Vec<u8>,
    /// Bytes that are turned: where, and by what.
    damage: Vec<(u16, u8)>,
    cut: u16,
}

fuzz_target!(|data: &[u8]| {
    check_bytes(data);
    if let Ok(input) = Input::arbitrary(&mut Unstructured::new(data)) {
        check_archive(&input);
        check_checkpoint(&input);
    }
});

fn place(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("southwell-fuzz-{}-{name}.npz", std::process::id()))
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn check_bytes(data: &[u8]) {
    let path = place("bytes");
    fs::write(&path, data).expect("a writable folder for temporary files");
    // A member takes 46 bytes of the directory at least, and is kept in a list of a few hundred.
    let bound = 64 * data.len() + SMALL;
    let (read, bytes) = peak(|| npz::read_potentials(&path, ["f", "g"]));
    assert!(bytes <= bound, "{bytes} bytes for a file of {}", data.len());
    if let Ok(vectors) = read {
        assert!(vectors.iter().flatten().all(|value| value.is_finite() || *value == f64::NEG_INFINITY));
    }
    let ((), bytes) = peak(|| {
        let Ok(mut archive) = archive::Archive::open(&path) else { return };
        for name in archive.names() {
            if let Ok(Some(array)) = archive.array(&name) {
                assert_eq!(array.shape.iter().product::<usize>(), array.values.len());
                assert!(array.values.iter().all(|value| value.is_finite()));
            }
        }
    });
    assert!(bytes <= bound, "{bytes} bytes for a file of {}", data.len());
    let (read, bytes) = peak(|| Checkpoint::read(&path));
    assert!(bytes <= bound, "{bytes} bytes for a file of {}", data.len());
    match read {
        Ok(kept) => check_invariants(&kept),
        Err(error) => assert_eq!(error.path(), Some(&*path), "{error}"),
    }
    fs::remove_file(&path).expect("just written");
}

/// What whoever goes on from a checkpoint relies on.
fn check_invariants(kept: &Checkpoint) {
    let Fingerprint { rows, columns, .. } = kept.problem;
    assert_eq!([kept.f.len(), kept.next.len()], [rows; 2]);
    assert_eq!([kept.g.len(), kept.sums.len()], [columns; 2]);
    assert!(kept.looks.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert!(kept.looks.last().is_none_or(|look| look.0 <= kept.steps));
}

fn check_archive(input: &Input) {
    let path = place("archive");
    let vectors: Vec<Vec<f64>> =
        input.vectors.iter().take(5).map(|v| v.iter().take(64).map(|n| n.tame()).collect()).collect();
    let names: Vec<String> = (0..vectors.len()).map(|k| format!("v{k}")).collect();
    let named: Vec<(&str, &[f64])> =
        names.iter().map(String::as_str).zip(vectors.iter().map(Vec::as_slice)).collect();
    npz::write(&path, &named).expect("a writable folder for temporary files");
    let mut opened = archive::Archive::open(&path).expect("what was written can be opened");
    let mut found = opened.names();
    found.sort();
    assert_eq!(found, names);
    for (name, values) in &named {
        let array = opened.array(name).expect("what was written can be read").expect("it is there");
        assert_eq!((array.shape, bits(&array.values)), (vec![values.len()], bits(values)));
        let [vector] = npz::read(&path, [*name]).expect("a vector");
        assert_eq!(bits(&vector), bits(values));
    }
    assert!(opened.array("none").is_ok_and(|array| array.is_none()));
    assert!(npz::read(&path, ["none"]).is_err());
    fs::remove_file(&path).expect("just written");
}

fn check_checkpoint(input: &Input) {
    let (rows, columns) = (usize::from(input.rows % 20), usize::from(input.columns % 20));
    let number = |which: usize, k: usize| -> f64 {
        let list = input.vectors.get(which).map_or(&[][..], Vec::as_slice);
        let value = southwell_fuzz::cycled(list, k).wild::<f64>();
        if value.is_finite() || (which < 3 && value == f64::NEG_INFINITY) { value } else { 0.5 }
    };
    let list = |which: usize, n: usize| (0..n).map(|k| number(which, k)).collect::<Vec<f64>>();
    let marginals: Vec<f64> = input.marginals.iter().map(|n| n.wild()).collect();
    let mut step = 0;
    let looks = input.steps.iter().map(|&more| {
        step += u32::from(more) + 1;
        (step, number(4, step as usize))
    });
    let looks: Vec<(u32, f64)> = looks.collect();
    let epsilon = input.epsilon.wild::<f64>();
    let kept = Checkpoint {
        problem: Fingerprint {
            rows,
            columns,
            epsilon: if epsilon.is_finite() { epsilon } else { 1.0 },
            largest: number(4, 1),
            sum: number(4, 2),
            marginals: hash(&[&marginals]),
            precision: if input.single { 32 } else { 64 },
            over_relaxed: input.over_relaxed,
        },
        f: list(0, rows),
        g: list(1, columns),
        next: list(2, rows),
        sums: list(3, columns),
        errors: (number(4, 3), number(4, 4)),
        steps: step,
        looks,
    };
    let path = place("checkpoint");
    kept.write(&path).expect("a writable folder for temporary files");
    let read = Checkpoint::read(&path).expect("what was written can be read");
    assert_eq!(read, kept);
    assert_eq!(bits(&read.f), bits(&kept.f));
    assert!(read.check(&kept.problem).is_ok());
    let other = Fingerprint { marginals: kept.problem.marginals ^ 1, ..kept.problem };
    assert!(read.check(&other).is_err());

    let bytes = fs::read(&path).expect("just written");
    fs::write(&path, &bytes[..usize::from(input.cut) % bytes.len()]).expect("a file");
    assert!(Checkpoint::read(&path).is_err(), "half a file");
    let mut damaged = bytes;
    for &(at, by) in &input.damage {
        let at = usize::from(at) % damaged.len();
        damaged[at] ^= by;
    }
    fs::write(&path, &damaged).expect("a file");
    if let Ok(read) = Checkpoint::read(&path) {
        check_invariants(&read);
    }
    fs::remove_file(&path).expect("just written");
}
