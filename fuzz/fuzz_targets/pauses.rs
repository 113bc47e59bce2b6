//! Sinkhorn's iteration under every rule of omega, paused and resumed anywhere: the bits of a run that was not;
//! whatever else is handed to `resume` is refused or harmless; rules answer any sequence of residuals with a factor
//! that can be used.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::omega::{Auto, Eager, Fixed, HagemanYoung, OmegaRule, young_omega};
use southwell::transport::sinkhorn::{self, Options, Pause, Workspace};
use southwell::transport::{DenseCost, Potentials, Problem};
use southwell::{Progress, Real, Status, Stop, drive};
use southwell_fuzz::{Number, bits, check_error, cycled, number_bits};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    rule: u8,
    rows: u8,
    columns: u8,
    costs: Vec<Number>,
    masses: Vec<u8>,
    start: Vec<Number>,
    epsilon: u8,
    steps: u8,
    pauses: [u8; 2],
    /// Residuals that a rule is shown by itself.
    shown: Vec<(u8, Number)>,
    /// A pause that nobody has written.
    forged: Option<Vec<Number>>,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

fn rule<T: Real>(which: u8) -> Box<dyn OmegaRule<T>> {
    match which % 5 {
        0 => Box::new(Fixed(T::ONE)),
        1 => Box::new(Fixed(T::from_f64(1.0 + f64::from(which) / 260.0))),
        2 => Box::new(HagemanYoung::default()),
        3 => Box::new(Auto::new().expect("its constants are valid")),
        _ => Box::new(Eager::default()),
    }
}

/// Potentials, and what a pause holds.
type Left<T> = (Vec<T>, Vec<T>, Vec<T>, Vec<T>, (T, T), u32);

fn check<T: Real>(input: &Input) {
    check_rules::<T>(input);
    let (n, m) = (usize::from(input.rows % 8) + 1, usize::from(input.columns % 8) + 1);
    let costs: Vec<T> = (0..n * m).map(|k| cycled(&input.costs, k).tame::<T>().abs()).collect();
    let masses = |from: usize, count: usize| -> Vec<T> {
        let weight = |k: usize| match input.masses.len() {
            0 => 1.0,
            length => f64::from(input.masses[(from + k) % length] % 8),
        };
        let total: f64 = (0..count).map(weight).sum();
        (0..count).map(|k| T::from_f64(weight(k) / total)).collect()
    };
    let (a, b) = (masses(0, n), masses(n, m));
    let Ok(cost) = DenseCost::new(&costs, n, m, m) else { return };
    let epsilon = T::from_f64((f64::from(input.epsilon) + 1.0) / 64.0);
    let Ok(problem) = Problem::new(&cost, &a, &b, epsilon) else { return };
    let options =
        Options { stop: Stop { max_steps: u32::from(input.steps % 64), ..Stop::relative(T::EPSILON) } };
    let start: (Vec<T>, Vec<T>) = (
        (0..n).map(|k| cycled(&input.start, k).tame()).collect(),
        (0..m).map(|k| cycled(&input.start, n + k).tame()).collect(),
    );
    let needed = Workspace::<T>::required_len(n, m, m);

    let (mut f, mut g, mut storage) = (start.0.clone(), start.1.clone(), vec![T::NAN; needed]);
    let workspace = Workspace::new(&problem, &mut storage).expect("memory");
    let x = Potentials { f: &mut f, g: &mut g };
    let mut whole_rule = rule::<T>(input.rule);
    let whole =
        sinkhorn::solve(&problem, &options, &mut *whole_rule, x, workspace, &mut ()).expect("sound input");

    let mut left: Left<T> = (start.0.clone(), start.1.clone(), Vec::new(), Vec::new(), (T::ZERO, T::ZERO), 0);
    let mut looks: Vec<(u32, T)> = Vec::new();
    let mut last = None;
    let ends = [u32::from(input.pauses[0] % 64), u32::from(input.pauses[1] % 64), u32::MAX];
    for (part, end) in ends.into_iter().enumerate() {
        let (mut storage, mut rule) = (vec![T::NAN; needed], rule::<T>(input.rule));
        let workspace = Workspace::new(&problem, &mut storage).expect("memory");
        let (mut pf, mut pg) = (left.0.clone(), left.1.clone());
        let x = Potentials { f: &mut pf, g: &mut pg };
        let mut run = if part == 0 {
            sinkhorn::start(&problem, &options, &mut *rule, x, workspace)
        } else {
            let pause = Pause { next: &left.2, sums: &left.3, errors: left.4, steps: left.5 };
            sinkhorn::resume(&problem, &options, &mut *rule, x, workspace, &pause, looks.iter().copied())
        }
        .expect("what a run has left can be gone on with");
        // One step at a time, as `drive` would: each look is noted.
        loop {
            let steps = run.pause().steps;
            let max_steps = u32::from(steps < options.stop.max_steps && steps < end);
            let report = drive(&mut run, &Stop { max_steps, ..options.stop }, &mut ());
            last = Some((report.status, number_bits(report.residual)));
            if report.steps == 0 {
                break;
            }
            looks.push((run.pause().steps, report.residual));
        }
        assert!(run.omega() > T::ZERO && run.omega() < T::TWO);
        let pause = run.pause();
        let kept = (pause.next.to_vec(), pause.sums.to_vec(), pause.errors, pause.steps);
        left = (pf, pg, kept.0, kept.1, kept.2, kept.3);
    }
    if whole.status == Status::Stalled {
        // What was denied before a pause is forgotten, so a stall may come later.
        assert!(left.5 >= whole.steps, "{whole:?}, in parts {last:?} after {}", left.5);
    } else {
        assert_eq!(left.5, whole.steps, "{whole:?}, in parts {last:?}");
        assert_eq!(last, Some((whole.status, number_bits(whole.residual))));
        assert_eq!((bits(&left.0), bits(&left.1)), (bits(&f), bits(&g)), "{whole:?}");
    }

    if let Some(forged) = &input.forged {
        let numbers = |from: usize, count: usize| -> Vec<T> {
            (from..from + count).map(|k| cycled(forged, k).wild()).collect()
        };
        let lengths = (n + usize::from(forged.len() % 3 == 1), m);
        let (next, sums) = (numbers(0, lengths.0), numbers(n, lengths.1));
        let errors = (cycled(forged, 3).wild(), cycled(forged, 4).wild());
        let pause = Pause { next: &next, sums: &sums, errors, steps: 3 };
        let (mut pf, mut pg, mut storage) = (left.0.clone(), left.1.clone(), vec![T::NAN; needed]);
        let workspace = Workspace::new(&problem, &mut storage).expect("memory");
        let x = Potentials { f: &mut pf, g: &mut pg };
        let mut rule = rule::<T>(input.rule);
        let wild = (1..9).map(|k| (k, cycled(forged, k as usize).wild::<T>()));
        match sinkhorn::resume(&problem, &options, &mut *rule, x, workspace, &pause, wild) {
            Ok(mut run) => {
                let stop = Stop { max_steps: 5, ..options.stop };
                drive(&mut run, &stop, &mut ());
                assert!(run.omega() > T::ZERO && run.omega() < T::TWO);
            }
            Err(error) => {
                check_error(error, |name| match name {
                    "next" => lengths.0,
                    "sums" => lengths.1,
                    "errors" => 2,
                    _ => n + m,
                });
                assert_eq!((bits(&pf), bits(&pg)), (bits(&left.0), bits(&left.1)), "{error:?}");
            }
        }
    }
}

/// Whatever a rule is shown, what it answers can be used, and those that learn from the rate only ever rise.
fn check_rules<T: Real>(input: &Input) {
    let (mut young, mut eager) = (HagemanYoung::<T>::default(), Eager::<T>::default());
    let mut largest = [T::ONE; 2];
    let mut step = 0_u32;
    for &(more, number) in &input.shown {
        step = step.saturating_add(u32::from(more));
        let residual = number.wild::<T>();
        let radius = young_omega(residual);
        assert!(
            residual.partial_cmp(&residual).is_none() || (radius >= T::ONE && radius < T::TWO),
            "{residual}"
        );
        for (rule, largest) in [&mut young as &mut dyn OmegaRule<T>, &mut eager].into_iter().zip(&mut largest)
        {
            let progress = Progress { step, residual: Some(residual), parameter: *largest };
            if let Some(omega) = rule.revise(&progress) {
                assert!(omega > *largest && omega < T::TWO, "{omega} after {largest}");
                *largest = omega;
            }
            assert!(rule.revise(&Progress { residual: None, ..progress }).is_none(), "nothing was seen");
        }
    }
}
