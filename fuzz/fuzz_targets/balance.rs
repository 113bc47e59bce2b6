//! Balancing small matrices, dense and sparse, tame and wild: the report tells the truth about the scalings that
//! are left, and `NoSupport` is said only, and in time, where trying all subsets says so too.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::transport::balance::{
    Csr, Dense, Problem, Rows, Scalings, ruiz, sinkhorn_knopp, support, symmetric,
};
use southwell::{Error, Real, Report, Status, Stop};
use southwell_fuzz::{Number, bit, bits, check_error, cycled};
use southwell_simd::{Level, force_level};

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum How {
    SinkhornKnopp,
    Symmetric,
    Largest,
    Sum,
}

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    how: How,
    sparse: bool,
    /// Whether sums are given, or ones.
    given: bool,
    wild: bool,
    rows: u8,
    columns: u8,
    entries: Vec<Number>,
    pattern: Vec<u8>,
    /// Where units of mass go.
    units: Vec<u8>,
    start: Vec<Number>,
    max_steps: u16,
    tolerance: u8,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

struct Case<T> {
    n: usize,
    m: usize,
    values: Vec<T>,
    r: Vec<T>,
    c: Vec<T>,
}

impl<T: Real> Case<T> {
    fn new(input: &Input) -> Self {
        let n = usize::from(input.rows % 6) + 1;
        let square = !matches!(input.how, How::Largest) && (!input.given || input.how != How::SinkhornKnopp);
        let m = if square { n } else { usize::from(input.columns % 6) + 1 };
        let mut values: Vec<T> = (0..n * m)
            .map(|k| match (bit(&input.pattern, k), cycled(&input.entries, k)) {
                (false, _) => T::ZERO,
                (true, number) if input.wild => number.wild(),
                (true, number) => number.tame::<T>().abs() + T::from_f64(0.0625),
            })
            .collect();
        if input.how == How::Symmetric {
            for k in 0..n * n {
                values[k] = values[k.min(k % n * n + k / n)];
            }
        }
        let (mut r, mut c) = (vec![T::ONE; n], vec![T::ONE; m]);
        if input.given {
            (r, c) = (vec![T::ZERO; n], vec![T::ZERO; m]);
            let unit =
                |k: usize| usize::from(*input.units.get(k % input.units.len().max(1)).unwrap_or(&(k as u8)));
            for k in 0..2 * n.max(m) {
                r[unit(2 * k) % n] += T::ONE;
                c[unit(2 * k + 1) % m] += T::ONE;
            }
            if input.how == How::Symmetric {
                c.clone_from(&r);
            }
        }
        Self { n, m, values, r, c }
    }

    /// Whether no set of rows shall carry more than the columns that it reaches.
    fn reachable(&self) -> bool {
        (0_u32..1 << self.n).all(|set| {
            let rows: Vec<usize> = (0..self.n).filter(|i| set >> i & 1 == 1).collect();
            let demand: f64 = rows.iter().map(|&i| self.r[i].to_f64()).sum();
            let reached = |j: &usize| rows.iter().any(|&i| self.values[i * self.m + j] != T::ZERO);
            let capacity: f64 = (0..self.m).filter(reached).map(|j| self.c[j].to_f64()).sum();
            demand <= capacity
        })
    }

    /// The most entries of which no two share a line, by trying all subsets of columns.
    fn rank(&self) -> usize {
        let mut best = vec![None; 1 << self.m];
        best[0] = Some(0);
        for row in self.values.chunks(self.m) {
            for taken in (0..best.len()).rev() {
                let Some(size) = best[taken] else { continue };
                for j in (0..self.m).filter(|j| row[*j] != T::ZERO && taken >> j & 1 == 0) {
                    let with: &mut Option<usize> = &mut best[taken | 1 << j];
                    *with = (*with).max(Some(size + 1));
                }
            }
        }
        best.into_iter().flatten().max().unwrap_or(0)
    }

    /// The residual by plain loops in `f64`.
    fn residual(&self, how: How, x: &[T], y: &[T]) -> f64 {
        let (mut rows, mut columns) = (vec![0.0; self.n], vec![0.0; self.m]);
        for (k, a) in self.values.iter().enumerate() {
            let (i, j) = (k / self.m, k % self.m);
            // In this order nothing overflows that does not in the end.
            let p = if a.to_f64().abs() > 1.0 {
                a.to_f64().abs() * x[i].to_f64().min(y[j].to_f64()) * x[i].to_f64().max(y[j].to_f64())
            } else {
                a.to_f64().abs() * x[i].to_f64().max(y[j].to_f64()) * x[i].to_f64().min(y[j].to_f64())
            };
            let add = |line: &mut f64| *line = if how == How::Largest { line.max(p) } else { *line + p };
            add(&mut rows[i]);
            add(&mut columns[j]);
        }
        let off = |lines: &[f64], sums: &[T]| -> Vec<f64> {
            lines.iter().zip(sums).map(|(line, s)| (line - s.to_f64()).abs()).collect()
        };
        let all = match how {
            How::Largest | How::Sum => off(&[rows, columns].concat(), &vec![T::ONE; self.n + self.m]),
            _ => [off(&rows, &self.r), off(&columns, &self.c)].concat(),
        };
        match how {
            How::Largest | How::Sum => all.iter().fold(0.0, |most, &e| most.max(e)),
            _ => all.iter().sum(),
        }
    }

    /// Calls something with a view, or says what was wrong with the matrix.
    fn view<R>(&self, sparse: bool, then: impl FnOnce(&dyn Rows<T>) -> Result<R, Error>) -> Result<R, Error> {
        if !sparse {
            return then(&Dense::new(&self.values, self.n, self.m, self.m)?);
        }
        let (mut offsets, mut columns, mut values) = (vec![0], vec![], vec![]);
        for (i, row) in self.values.chunks(self.m).enumerate() {
            // Some zeros are stored.
            for (j, &a) in row.iter().enumerate().filter(|(j, a)| **a != T::ZERO || (i + j) % 3 == 0) {
                columns.push(j as u32);
                values.push(a);
            }
            offsets.push(columns.len() as u32);
        }
        then(&Csr::new(&offsets, &columns, &values, self.m)?)
    }

    /// A solve with dirty memory; x and y are moved.
    fn solve(
        &self,
        input: &Input,
        stop: Stop<T>,
        x: &mut Vec<T>,
        y: &mut Vec<T>,
        dirt: T,
    ) -> Result<Report<T>, Error> {
        let (n, m) = (self.n, self.m);
        let options = sinkhorn_knopp::Options { stop };
        let mut storage = vec![dirt; 2 * (n + m)];
        let mut indices = vec![u32::MAX; support::required_indices(n, m)];
        self.view(input.sparse, |view| {
            let problem = || match input.given {
                true => Problem::new(&view, &self.r, &self.c),
                false => Problem::unit(&view),
            };
            let norm = if input.how == How::Largest { ruiz::Norm::Largest } else { ruiz::Norm::Sum };
            match input.how {
                How::SinkhornKnopp => {
                    let problem = problem()?;
                    let work = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices)?;
                    sinkhorn_knopp::solve(&problem, &options, Scalings { x, y }, work, &mut ())
                }
                How::Symmetric => {
                    let problem = problem()?;
                    let work = symmetric::Workspace::new(&problem, &mut storage, &mut indices)?;
                    symmetric::solve(&problem, &options, x, work, &mut ())
                }
                How::Largest | How::Sum => {
                    let problem = ruiz::Problem::new::<T>(&view, norm)?;
                    let work = ruiz::Workspace::new(&problem, &mut storage, &mut indices)?;
                    ruiz::solve(&problem, &options, Scalings { x, y }, work, &mut ())
                }
            }
        })
    }
}

fn check<T: Real>(input: &Input) {
    let case = Case::<T>::new(input);
    let (n, m) = (case.n, case.m);
    let relative = T::from_f64(10_f64.powi(-i32::from(input.tolerance % 10) - 1));
    let stop = Stop { max_steps: u32::from(input.max_steps % 2000), ..Stop::relative(relative) };
    let start = |len: usize, shift: usize| -> Vec<T> {
        (0..len)
            .map(|k| match cycled(&input.start, k + shift) {
                number if input.wild => number.wild(),
                number => number.tame::<T>().abs() + T::from_f64(0.0625),
            })
            .collect()
    };
    let (mut x, mut y) = (start(n, 0), start(m, n));
    let outcome = case.solve(input, stop, &mut x, &mut y, T::NAN);
    let report = match outcome {
        Ok(report) => report,
        Err(error) => {
            assert_eq!((bits(&x), bits(&y)), (bits(&start(n, 0)), bits(&start(m, n))), "{error:?}");
            check_error(error, |argument| match argument {
                "x" | "r" | "rows" | "row" => n,
                "y" | "c" | "columns" => m,
                _ => n * m,
            });
            if let Error::EmptyLine { line, index } = error {
                assert!(index < if line == "row" { n } else { m }, "{error:?}");
                let norms = matches!(input.how, How::Largest | How::Sum);
                let sums = |k: usize| norms || case.r[k / m] > T::ZERO && case.c[k % m] > T::ZERO;
                let of_line = |k: &usize| if line == "row" { k / m == index } else { k % m == index };
                let mut entries = (0..n * m).filter(of_line).filter(|&k| sums(k));
                assert!(entries.all(|k| case.values[k] == T::ZERO), "{error:?} {case:?}", case = case.values);
            } else {
                assert!(input.wild, "{error:?}");
            }
            return;
        }
    };
    if input.how == How::Symmetric {
        y.clone_from(&x);
    }
    let told = report.residual.to_f64();
    let label = format!("{report:?} {:?} r {:?} c {:?} left {x:?} {y:?}", case.values, case.r, case.c);

    // Finite, and the residual is that of the scalings.
    assert!(x.iter().chain(&y).all(|s| s.is_finite() && *s >= T::ZERO), "{label}");
    if report.status == Status::NotFinite {
        assert!(input.wild, "{label}");
    } else {
        let mass: f64 = case.r.iter().map(|r| r.to_f64()).sum();
        let size = if matches!(input.how, How::Largest | How::Sum) { 1.0 } else { mass };
        let exact = case.residual(input.how, &x, &y);
        let bound = 32.0 * T::EPSILON.to_f64() * (size + told);
        // Sums in the type may overflow, or products underflow, where `f64` or another order do not.
        let sound = !input.wild || told < 0.5 * size;
        assert!(!sound || (told - exact).abs() <= bound, "{exact} ± {bound}: {label}");
    }
    let possible = match (input.how, input.given) {
        (How::Largest, _) => true,
        (How::Sum, _) | (_, false) => case.rank() == n,
        _ => case.reachable(),
    };
    match report.status {
        Status::Converged => assert!(report.residual <= stop.relative * report.scale, "{label}"),
        Status::StepLimit => {
            assert_eq!(report.steps, stop.max_steps);
            assert!(possible || input.wild || report.steps < 1000, "{label}");
        }
        Status::NoSupport => assert!(!possible, "{label}"),
        Status::Stalled | Status::NotFinite => {}
        status => panic!("{status:?}"),
    }

    // Another instruction set and other dirt.
    let (mut x2, mut y2) = (start(n, 0), start(m, n));
    force_level(Some(Level::Scalar));
    let again = case.solve(input, stop, &mut x2, &mut y2, T::ONE).expect("as before");
    force_level(None);
    assert_eq!((again.status, again.steps), (report.status, report.steps), "{label}");
    assert_eq!(bits(&x), bits(&x2), "{label}");
    assert!(input.how == How::Symmetric || bits(&y) == bits(&y2), "{label}");

    // The matching itself.
    let mut indices = vec![7; support::required_indices(n, m)];
    let rank = case.view(input.sparse, |view| support::structural_rank(&view, &mut indices));
    assert_eq!(rank, Ok(case.rank()));
}
