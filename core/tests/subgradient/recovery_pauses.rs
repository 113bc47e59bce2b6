//! Recoveries that are paused and go on later: the bits of one that was not.

use southwell::subgradient::matrix::operator::{AllEntries, Operator};
use southwell::subgradient::matrix::{self, Options, Pause, Problem, Recovery, Step, Unit, Workspace};
use southwell::{Error, Run};

use crate::common::bits;
use crate::common::draws::Stream;

const STEPS: u32 = 90;

fn measured() -> Vec<f64> {
    let numbers = Stream::new(3, 1);
    let wrong = |k: usize| if numbers.uniform(100 + k) < 0.15 { 5.0 } else { 0.0 };
    (0..20).map(|k| numbers.normal(k / 4) * numbers.normal(10 + k % 4) + wrong(k)).collect()
}

/// All that can be seen of a run.
fn seen<O: Operator<f64>>(run: &mut Recovery<'_, f64, O>) -> (Vec<u64>, [u64; 8], u32) {
    let mut all = bits(run.current());
    all.extend(bits(run.x()));
    let [a, b, c] = run.signs();
    let numbers = [run.value(), run.best().0, run.relative_step(), run.parameter(), run.residual(), a, b, c];
    (all, numbers.map(f64::to_bits), run.best().1)
}

/// What is kept of a run, in the caller's memory.
struct Kept {
    x: Vec<f64>,
    vectors: [Vec<f64>; 3],
    numbers: [f64; 5],
    counts: [u32; 8],
}

impl Kept {
    fn pause(&self) -> Pause<'_, f64> {
        let [current, direction, vector] = &self.vectors;
        Pause { current, direction, vector, numbers: self.numbers, counts: self.counts }
    }
}

#[test]
fn a_run_that_was_paused_goes_on_with_the_same_bits() {
    let y = measured();
    let operator = AllEntries::new(5, 4).expect("sound");
    let problem = Problem::general(&operator, &y, 2).expect("sound");
    let shape = problem.shape();
    let length = Workspace::<f64>::required_len(shape, false, AllEntries::scratch(shape));
    let rules = [
        (Step::Oscillation { eta0: 0.25, rho: 0.6, restarts: 2 }, Unit::Auto),
        (Step::Held { eta0: 0.25, rho: 0.95, hold: 20 }, Unit::Spectral),
        (Step::Diminishing { eta0: 0.25 }, Unit::Relative),
    ];
    for (step, unit) in rules {
        let options = Options { step, unit, patience: 60, ..Options::default() };
        let mut storage = vec![f64::NAN; length];
        let work = Workspace::new(&problem, false, &mut storage).expect("memory");
        let mut x = vec![0.0; shape.unknowns()];
        let mut run = matrix::start(&problem, &options, &mut x, work).expect("sound");
        let (mut kept, mut trail) = (vec![], vec![]);
        for _ in 0..STEPS {
            let x = run.x().to_vec();
            let pause = run.pause();
            let vectors = [pause.current, pause.direction, pause.vector].map(<[f64]>::to_vec);
            kept.push(Kept { x, vectors, numbers: pause.numbers, counts: pause.counts });
            trail.push(seen(&mut run));
            run.step();
        }
        for at in [0, 1, 7, 40, 70] {
            // From nothing but what was kept, and in a run that has been elsewhere.
            let (mut storage, mut x) = (vec![f64::NAN; length], kept[at].x.clone());
            let work = Workspace::new(&problem, false, &mut storage).expect("memory");
            let resumed = matrix::resume(&problem, &options, &mut x, work, &kept[at].pause());
            let mut resumed = resumed.expect("sound");
            let (mut other_storage, mut other_x) = (vec![f64::NAN; length], vec![0.0; shape.unknowns()]);
            let work = Workspace::new(&problem, false, &mut other_storage).expect("memory");
            let other = Options { seed: 7, ..options };
            let mut other = matrix::start(&problem, &other, &mut other_x, work).expect("sound");
            other.steps(13);
            let before = seen(&mut other);
            assert_ne!(before, trail[at]);
            let refused = other.go_on(&kept[at].x[1..], &kept[at].pause());
            assert!(matches!(refused, Err(Error::Dimension { argument: "x", expected: 18, given: 17 })));
            let mut spoilt = kept[at].x.clone();
            spoilt[5] = f64::NAN;
            let refused = other.go_on(&spoilt, &kept[at].pause());
            assert!(matches!(refused, Err(Error::Value { argument: "x", index: 5 })));
            assert_eq!(seen(&mut other), before, "untouched");
            other.go_on(&kept[at].x, &kept[at].pause()).expect("sound");
            for expected in &trail[at..] {
                assert_eq!(&seen(&mut resumed), expected, "{step:?} {at}");
                assert_eq!(&seen(&mut other), expected, "{step:?} {at}");
                resumed.step();
                other.step();
            }
            assert_eq!((resumed.failure(), other.failure()), (run.failure(), run.failure()));
        }
    }
}

#[test]
fn what_was_kept_must_fit() {
    let y = measured();
    let operator = AllEntries::new(5, 4).expect("sound");
    let problem = Problem::general(&operator, &y, 2).expect("sound");
    let shape = problem.shape();
    let length = Workspace::<f64>::required_len(shape, false, AllEntries::scratch(shape));
    // Factors, a direction as long, and a row and a column.
    let kept = Kept {
        x: vec![0.5; 18],
        vectors: [vec![0.5; 18], vec![0.25; 18], vec![0.0; 9]],
        numbers: [1.0, 0.5, 0.1, 0.2, 0.3],
        counts: [4, 2, 2, 0, 9, 8, 4, 1],
    };
    let refused = |x: &[f64], pause: &Pause<'_, f64>| {
        let (mut storage, mut x) = (vec![f64::NAN; length], x.to_vec());
        let work = Workspace::new(&problem, false, &mut storage).expect("memory");
        matrix::resume(&problem, &Options::default(), &mut x, work, pause).map(drop).err()
    };
    let pause = kept.pause();
    assert_eq!(refused(&kept.x, &pause), None);
    let dimension = |argument, expected| Some(Error::Dimension { argument, expected, given: expected - 1 });
    assert_eq!(refused(&kept.x[1..], &pause), dimension("x", 18));
    let short = &kept.x[1..];
    assert_eq!(refused(&kept.x, &Pause { current: short, ..pause }), dimension("current", 18));
    assert_eq!(refused(&kept.x, &Pause { direction: short, ..pause }), dimension("direction", 18));
    assert_eq!(refused(&kept.x, &Pause { vector: &short[..8], ..pause }), dimension("vector", 9));
    let mut bad = kept.x.clone();
    bad[3] = f64::INFINITY;
    let value = |argument| Some(Error::Value { argument, index: 3 });
    assert_eq!(refused(&bad, &pause), value("x"));
    assert_eq!(refused(&kept.x, &Pause { current: &bad, ..pause }), value("current"));
    assert_eq!(refused(&kept.x, &Pause { direction: &bad, ..pause }), value("direction"));
    assert_eq!(refused(&kept.x, &Pause { vector: &bad[..9], ..pause }), value("vector"));
    let numbers = [1.0, 0.5, 0.1, f64::NAN, 0.3];
    assert_eq!(refused(&kept.x, &Pause { numbers, ..pause }), value("numbers"));
}
