//! Sinkhorn-Newton-Sparse against the reference figures: Newton steps, work, dual values, costs.

mod common;

use common::cases::{Case, digits, look, mnist, random};
use proptest::prelude::*;
use southwell::transport::newton::{Options, Work, Workspace, solve};
use southwell::transport::{DenseCost, Potentials, Problem};
use southwell::{Error, Report, Status, Stop};

/// A run from zero with a budget of so many entries a row.
fn run(
    case: &Case,
    epsilon: f64,
    tolerance: f64,
    budget: usize,
    first_steps: u32,
) -> (Report<f64>, Work, Vec<f64>, Vec<f64>) {
    let (n, m) = (case.rows(), case.columns());
    let cost = DenseCost::new(&case.cost, n, m, m).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, epsilon).expect("a problem");
    let entries = budget.min(m) * n;
    let mut storage = vec![f64::NAN; Workspace::<f64>::required_len(n, m, true, entries)];
    let mut indices = vec![u32::MAX; Workspace::<f64>::required_indices(n, entries)];
    let workspace = Workspace::new(&problem, entries, &mut storage, &mut indices).expect("memory");
    let (mut f, mut g) = (vec![0.0; n], vec![0.0; m]);
    let stop = Stop { max_steps: 400, ..Stop::relative(tolerance) };
    let options = Options { stop, first_steps, ..Options::default() };
    let x = Potentials { f: &mut f, g: &mut g };
    let (report, work) = solve(&problem, &options, x, workspace, &mut ()).expect("valid options");
    (report, work, f, g)
}

/// Newton steps to 1e-12 after 20 Sinkhorn steps, at most `newton`, and readings of C with what conjugate
/// gradients read of it, at most `reads`. D* and ⟨P, C⟩ are the reference's.
fn check(case: &Case, inverse: f64, newton: u32, reads: f64, dual: f64, cost: f64) {
    let (report, work, f, g) = run(case, 1.0 / inverse, 1e-12, 200, 20);
    assert!(report.converged(), "{inverse} {report:?} {work:?}");
    assert_eq!(report.steps, 20 + work.newton_steps);
    assert!(work.newton_steps <= newton, "{inverse} {work:?}");
    let entries = (case.rows() * case.columns()) as f64;
    let equivalents = f64::from(work.kernel_reads) + work.cg_entries as f64 / entries;
    assert!(equivalents <= reads, "{inverse} {equivalents} {work:?}");
    let [rows, columns, moved, value] = look(case, 1.0 / inverse, &f, &g);
    assert!((rows + columns - report.residual).abs() < 1e-12, "{rows} {columns} {report:?}");
    assert!((moved - cost).abs() < 1e-10, "{inverse}: {moved} {cost}");
    assert!((value - dual).abs() < 1e-10, "{inverse}: {value} {dual}");
}

/// The reference took 2, 3, 8 and 10 Newton steps; plain Sinkhorn takes 6801 and 31450 readings to 1e-10 at
/// 1/ε = 1200.
#[test]
fn random_assignment() {
    let (first, second) = (random(1, 500), random(2, 500));
    check(&first, 200.0, 2, 27.0, -0.039_347_763_7, 0.006_608_603_2);
    check(&first, 400.0, 3, 28.0, -0.017_004_610_8, 0.004_587_953_2);
    check(&first, 1200.0, 8, 35.0, -0.003_087_436_8, 0.003_579_318_4);
    check(&second, 1200.0, 10, 36.0, -0.003_033_458_3, 0.003_625_593_3);
}

/// The reference took 6, 21, 71, 5 and 16 Newton steps with 15 entries a row (25, 82, 7 and 24 with its
/// rule by mass).
#[test]
fn handwritten_digits() {
    let (l1, l2) = (digits(1), digits(2));
    check(&l1, 50.0, 6, 70.0, -0.042_880_659_6, 0.068_685_441_8);
    check(&l1, 200.0, 21, 106.0, 0.038_400_016_6, 0.065_142_697_4);
    check(&l1, 1200.0, 71, 220.0, 0.060_685_575_3, 0.065_142_687_0);
    check(&l2, 200.0, 7, 56.0, -0.015_821_223_4, 0.012_253_300_4);
    check(&l2, 1200.0, 24, 80.0, 0.006_572_865_3, 0.010_954_135_1);
}

/// The reference took 6, 14, 13 and 53 with its rule by mass.
#[test]
fn images() {
    let (l1, l2) = (mnist(1), mnist(2));
    check(&l2, 200.0, 6, 50.0, -0.037_251_504_3, 0.010_782_613_4);
    check(&l2, 1200.0, 14, 55.0, 0.000_739_301_8, 0.007_579_691_5);
    check(&l1, 200.0, 13, 50.0, 0.022_395_143_2, 0.064_380_532_6);
    check(&l1, 1200.0, 53, 160.0, 0.057_037_446_3, 0.063_948_116_1);
}

/// A budget that is too small for the mass to be kept still ends well, if later.
#[test]
fn a_small_budget() {
    let (report, work, ..) = run(&mnist(2), 1.0 / 1200.0, 1e-10, 15, 20);
    assert!(report.converged(), "{report:?} {work:?}");
    let (report, work, ..) = run(&random(1, 500), 1.0 / 1200.0, 1e-10, 3, 20);
    assert!(report.converged() || report.status == Status::StepLimit, "{report:?} {work:?}");
    assert!(report.residual < 1e-2, "{report:?} {work:?}");
}

/// Without Sinkhorn steps the start is far away; rescues bring it home.
#[test]
fn from_nothing() {
    let (report, work, ..) = run(&digits(2), 1.0 / 200.0, 1e-10, 64, 0);
    assert!(report.converged(), "{report:?} {work:?}");
    // And from the solution there is nothing to do.
    let case = digits(2);
    let (_, _, mut f, mut g) = run(&case, 1.0 / 200.0, 1e-13, 64, 20);
    let cost = DenseCost::new(&case.cost, 64, 64, 64).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, 1.0 / 200.0).expect("a problem");
    let mut storage = vec![0.0; Workspace::<f64>::required_len(64, 64, true, 4096)];
    let mut indices = vec![0; Workspace::<f64>::required_indices(64, 4096)];
    let workspace = Workspace::new(&problem, 4096, &mut storage, &mut indices).expect("memory");
    let options = Options { first_steps: 0, ..Options::default() };
    let x = Potentials { f: &mut f, g: &mut g };
    let (report, work) = solve(&problem, &options, x, workspace, &mut ()).expect("valid");
    assert!(report.converged() && report.steps == 0 && work.kernel_reads == 1, "{report:?} {work:?}");
}

#[test]
fn refusals() {
    let case = random(1, 8);
    let cost = DenseCost::new(&case.cost, 8, 8, 8).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, 0.1).expect("a problem");
    let needed = Workspace::<f64>::required_len(8, 8, true, 20);
    let (mut storage, mut indices) = (vec![0.0; needed], vec![0; Workspace::<f64>::required_indices(8, 20)]);
    let short = Workspace::new(&problem, 20, &mut storage[1..], &mut indices).err();
    assert_eq!(short, Some(Error::Workspace { needed, given: needed - 1 }));
    let short = Workspace::new(&problem, 20, &mut storage, &mut indices[1..]).err();
    assert_eq!(short, Some(Error::Workspace { needed: indices.len(), given: indices.len() - 1 }));
    let few = Workspace::new(&problem, 7, &mut storage, &mut indices).err();
    assert!(matches!(few, Some(Error::Option { name: "entries", .. })));
    let (mut f, mut g) = ([0.5; 8], [0.5; 8]);
    for dropped in [0.0, 1.0, -0.1, f64::NAN] {
        let workspace = Workspace::new(&problem, 20, &mut storage, &mut indices).expect("memory");
        let options = Options { dropped, ..Options::default() };
        let x = Potentials { f: &mut f, g: &mut g };
        let refused = solve(&problem, &options, x, workspace, &mut ()).err();
        assert!(matches!(refused, Some(Error::Option { name: "dropped", .. })), "{refused:?}");
    }
    assert_eq!((f, g), ([0.5; 8], [0.5; 8]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Small problems of any shape, with lines without mass: the end is reached or honestly reported.
    #[test]
    fn any_small_problem(
        n in 1_usize..9, m in 1_usize..9, seed in any::<u64>(), inverse in 1.0_f64..2000.0, empty in any::<u16>(),
        first in 0_u32..30,
    ) {
        let mut numbers = common::cases::SplitMix64(seed);
        let cost = numbers.take(n * m);
        let mut weights = |count: usize, shift: usize| {
            let mut weights = numbers.take(count);
            for (k, w) in weights.iter_mut().enumerate().skip(1) {
                if empty >> ((k + shift) % 16) & 3 == 3 {
                    *w = 0.0;
                }
            }
            weights[0] += 0.1;
            let sum: f64 = weights.iter().sum();
            weights.iter().map(|w| w / sum).collect::<Vec<f64>>()
        };
        let case = Case { cost, a: weights(n, 0), b: weights(m, 8) };
        let (report, work, f, g) = run(&case, 1.0 / inverse, 1e-9, m, first);
        let [rows, columns, ..] = look(&case, 1.0 / inverse, &f, &g);
        let bound = 64.0 * f64::EPSILON * (1.0 + inverse) * (1.0 + rows + columns);
        prop_assert!((rows + columns - report.residual).abs() <= bound, "{rows} {columns} {report:?}");
        prop_assert!(report.residual.is_finite());
        for (potential, weight) in f.iter().chain(&g).zip(case.a.iter().chain(&case.b)) {
            let sound = if *weight > 0.0 { potential.is_finite() } else { *potential == f64::NEG_INFINITY };
            prop_assert!(sound, "{potential}");
        }
        prop_assert!(report.converged() || report.status == Status::Stalled || report.status == Status::StepLimit,
            "{report:?} {work:?}");
    }
}
