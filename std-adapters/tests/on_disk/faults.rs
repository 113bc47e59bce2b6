//! Files that are not what they say, and files that change while they are computed with.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, SystemTime};

use southwell::linear::Design;
use southwell::omega::Fixed;
use southwell::subgradient::Oracle;
use southwell::transport::{Cost, DenseCost, Potentials, Problem, sinkhorn};
use southwell::{Error, Status, Stop};
use southwell_std::files::{FileError, NpyFault};
use southwell_std::on_disk::{DiskCost, DiskDesign, DiskMeasurements, DiskQuantile, Fault, Reading, Rows};

use super::common::{Folder, bits, random, rows, uniform};

fn opened(path: &Path) -> Result<Rows<f64>, NpyFault> {
    match Rows::open(path) {
        Ok(rows) => Ok(rows),
        Err(FileError::Npy { path: Some(named), fault }) if named == path => Err(fault),
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn files_that_are_not_what_they_say() {
    let folder = Folder::new();
    let values = random(1, 12);
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let header = |shape: &str| format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
    let refused = |shape: &str, bytes: &[u8]| opened(&folder.npy("x.npy", &header(shape), bytes)).err();
    assert_eq!(refused("(3, 4)", &bytes), None);
    assert_eq!(refused("(3, 4)", &bytes[..95]), Some(NpyFault::Truncated { needed: 96, given: 95 }));
    assert_eq!(refused("(3, 4)", &[&bytes[..], &[0]].concat()), Some(NpyFault::Trailing));
    assert_eq!(refused("(12,)", &bytes), Some(NpyFault::Axes { given: 1, expected: "two" }));
    assert_eq!(refused("()", &bytes[..8]), Some(NpyFault::Axes { given: 0, expected: "two" }));
    // What a header claims is neither read nor reserved.
    let claimed = refused("(1000000000, 1000000)", &bytes);
    assert!(matches!(claimed, Some(NpyFault::Truncated { given: 96, .. })), "{claimed:?}");
    assert_eq!(refused("(18446744073709551615, 9)", &bytes), Some(NpyFault::TooLarge));
    assert!(opened(&folder.npy("x.npy", "no dictionary", &bytes)).is_err());

    let path = folder.array("f.npy", "<f8", true, &[3, 4], &values);
    assert_eq!(opened(&path).err(), Some(NpyFault::Order { expected: "C" }));
    assert!(Rows::<f64>::open_columns(&path).is_ok());
    let path = folder.array("c.npy", "<f8", false, &[3, 4], &values);
    let error = Rows::<f64>::open_columns(&path).expect_err("rows").to_string();
    assert!(error.contains("asfortranarray"), "{error}");
    // Of one row both orders are the same.
    assert!(opened(&folder.array("r.npy", "<f8", true, &[1, 12], &values)).is_ok());
    let path = folder.array("deep.npy", "<f8", true, &[3, 2, 2], &values);
    assert_eq!(opened(&path).err(), Some(NpyFault::Order { expected: "C" }));
    assert!(Rows::<f64>::open_columns(&path).is_err());
    assert!(Rows::<f64>::open(folder.path("none.npy")).is_err());
    assert!(Rows::<f64>::open("/dev/null").is_err());
}

/// What a view in memory refuses, with the same words.
#[test]
fn numbers_that_no_view_takes() {
    let folder = Folder::new();
    for (place, value) in [(0, f64::NAN), (700, -1.0), (700, f64::NEG_INFINITY), (1199, f64::INFINITY)] {
        let mut values = random(2, 1200);
        values[place] = value;
        values[1100] = -2.0;
        let path = folder.matrix("c.npy", 30, 40, &values);
        let memory = DenseCost::new(&values, 30, 40, 40).expect_err("a bad cost");
        let disk = DiskCost::<f64>::new(rows(&path)).expect_err("a bad cost");
        assert_eq!(disk, Fault::Content { path: path.clone(), source: memory });
        assert!(disk.to_string().contains(&memory.to_string()));
        if value != -1.0 {
            let source = Error::Value { argument: "values", index: place };
            let content = Fault::Content { path: path.clone(), source };
            assert_eq!(DiskMeasurements::<f64>::new(rows(&path), 8, 5).expect_err("NaN"), content);
            assert_eq!(DiskQuantile::new(&rows::<f64>(&path), &[0.0; 30], 0.5).expect_err("NaN"), content);
            let path = folder.array("f.npy", "<f8", true, &[40, 30], &values);
            let file = Rows::<f64>::open_columns(&path).expect("a file");
            assert_eq!(DiskDesign::new(file, 0).expect_err("NaN"), Fault::Content { path, source });
        }
    }
    // Beyond what the type can say.
    let path = folder.matrix("c.npy", 1, 2, &[0.0, 1e300]);
    let refused = DiskCost::<f32>::new(rows(&path)).expect_err("no number of f32");
    assert!(matches!(refused, Fault::Content { source: Error::Value { argument: "cost", index: 1 }, .. }));

    let path = folder.matrix("a.npy", 4, 6, &random(3, 24));
    let source = |fault| match fault {
        Fault::Content { source, .. } => source,
        other => panic!("{other:?}"),
    };
    let shape = DiskMeasurements::<f64>::new(rows(&path), 2, 2).expect_err("another shape");
    assert_eq!(source(shape), Error::Dimension { argument: "values", expected: 4, given: 6 });
    let file = rows::<f64>(&path);
    let fit = |y: &[f64], q| source(DiskQuantile::new(&file, y, q).expect_err("no problem"));
    assert_eq!(fit(&[0.0; 3], 0.5), Error::Dimension { argument: "y", expected: 4, given: 3 });
    assert_eq!(fit(&[0.0, 0.0, f64::NAN, 0.0], 0.5), Error::Value { argument: "y", index: 2 });
    assert!(matches!(fit(&[0.0; 4], 1.0), Error::Option { name: "quantile", .. }));
}

/// Sets the time of change a second on, as a later write would.
fn touch(path: &Path) {
    let file = OpenOptions::new().write(true).open(path).expect("a file");
    file.set_modified(SystemTime::now() + Duration::from_secs(1)).expect("a time");
}

/// Does something to the file in the middle of a pass.
fn meddled(path: &Path, when: u64, how: fn(&Path)) -> Rows<f64> {
    let file = path.to_owned();
    rows(path).watched(move |reading: &Reading| {
        if reading.pass == when && reading.row > reading.rows / 2 && reading.row < reading.rows {
            how(&file);
        }
        ControlFlow::Continue(())
    })
}

fn grow(path: &Path) {
    OpenOptions::new().append(true).open(path).and_then(|mut file| file.write_all(b"more")).expect("a file");
}

fn shrink(path: &Path) {
    let file = OpenOptions::new().write(true).open(path).expect("a file");
    file.set_len(500).expect("a shorter file");
}

fn empty(path: &Path) {
    File::create(path).expect("a file");
}

#[test]
fn a_file_that_changes_under_a_run() {
    let folder = Folder::new();
    let (n, m) = (40, 30);
    let values = random(4, n * m);
    let (a, b) = (uniform(n), uniform(m));
    let run = |cost: &DiskCost<f64>, steps| {
        let problem = Problem::new(cost, &a, &b, 0.02).expect("a problem");
        let mut storage = vec![f64::NAN; sinkhorn::Workspace::<f64>::required_len(n, m, m)];
        let workspace = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
        let (mut f, mut g) = (vec![0.0; n], vec![0.0; m]);
        let x = Potentials { f: &mut f, g: &mut g };
        let options = sinkhorn::Options { stop: Stop { max_steps: steps, ..Stop::relative(1e-14) } };
        let report = sinkhorn::solve(&problem, &options, &mut Fixed(1.0), x, workspace, &mut ());
        (report.expect("a run"), f, g)
    };
    for how in [touch, grow, shrink, empty] {
        let path = folder.matrix("c.npy", n, m, &values);
        let whole = DiskCost::new(rows(&path)).expect("costs");
        let (_, f, g) = run(&whole, 4);
        // The first pass opens, the second starts; a step each from there on.
        let cost = DiskCost::new(meddled(&path, 6, how)).expect("costs");
        let (report, ours, theirs) = run(&cost, 100);
        assert_eq!((report.status, report.steps), (Status::NotFinite, 4));
        assert_eq!((bits(&ours), bits(&theirs)), (bits(&f), bits(&g)), "the last good iterate");
        let fault = cost.file().fault().expect("a fault");
        assert_eq!(*fault, Fault::Changed { path: path.clone() });
        assert!(fault.to_string().contains("changed"), "{fault}");
        // For good, even if the file were mended.
        folder.matrix("c.npy", n, m, &values);
        let mut buffer = vec![0.0; m];
        assert!(cost.row(0, &mut buffer).iter().all(|c| c.is_nan()));
        assert!(cost.file().pass(|_, _| panic!("no block")).is_err());
    }
}

/// Every view answers NaN after a fault, and never with a part of the truth.
#[test]
fn answers_after_a_fault() {
    let folder = Folder::new();
    let values = random(5, 1200);
    let path = folder.array("f.npy", "<f8", true, &[30, 40], &values);
    let design =
        DiskDesign::new(Rows::<f64>::open_columns(&path).expect("a file"), 1 << 20).expect("a design");
    assert!(design.dot(3, &[1.0; 30]).is_finite());
    touch(&path);
    let mut out = vec![0.0; 40];
    design.transposed(&[1.0; 30], &mut out);
    assert!(
        out.iter().all(|x| x.is_nan()) && design.dot(3, &[1.0; 30]).is_nan() && design.square(9).is_nan()
    );
    design.apply(&[1.0; 40], &mut out[..30]);
    assert!(out.iter().all(|x| x.is_nan()));

    let path = folder.matrix("x.npy", 40, 30, &values);
    let (file, y) = (meddled(&path, 3, touch), vec![1.0; 40]);
    let mut loss = DiskQuantile::new(&file, &y, 0.5).expect("a loss");
    let mut g = vec![0.0; 30];
    assert!(loss.value_and_subgradient(&[0.0; 30], &mut g).is_finite());
    assert!(loss.value_and_subgradient(&[0.0; 30], &mut g).is_nan() && g.iter().all(|x| x.is_nan()));
}

#[test]
fn a_watcher_sees_every_block_and_may_stop() {
    let folder = Folder::new();
    let path = folder.matrix("c.npy", 40, 30, &random(6, 1200));
    let (sender, receiver) = std::sync::mpsc::channel();
    let file = rows::<f64>(&path).watched(move |reading| {
        sender.send(*reading).expect("a listener");
        if reading.pass == 2 && reading.row >= 20 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    // Four rows a block: 240 bytes a row.
    assert_eq!((file.memory(), file.bytes()), (3 * 4 * 240, 9600));
    let mut seen = 0;
    assert!(file.pass(|first, block| seen += usize::from(first == seen * 4 && block.len() == 120)).is_ok());
    assert_eq!(seen, 10);
    assert_eq!(file.pass(|_, _| ()), Err(Fault::Stopped));
    assert_eq!(file.fault(), Some(&Fault::Stopped));
    let readings: Vec<Reading> = receiver.try_iter().collect();
    let expected = (1..=10).map(|k| (1, 4 * k)).chain((1..=5).map(|k| (2, 4 * k)));
    assert!(readings.iter().map(|reading| (reading.pass, reading.row)).eq(expected), "{readings:?}");
    drop(file);
    assert!(fs::remove_file(&path).is_ok());
}
