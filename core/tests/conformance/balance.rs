//! Matrix balancing: the adapters of its methods.

use southwell::transport::balance::{Csr, Dense, Problem, Rows, Scalings, ruiz, sinkhorn_knopp, symmetric};
use southwell::{Error, Real, Report, Stop};

use crate::common::{Numbers, cast, wide};
use crate::{Call, Method};

#[derive(Clone, Copy, Debug)]
enum How {
    SinkhornKnopp,
    Symmetric,
    Ruiz(ruiz::Norm),
}

/// A method with a matrix, dense or sparse. The iterate is x followed by y; for one scaling, x alone.
struct Balance<T> {
    how: How,
    sparse: bool,
    values: Vec<T>,
    r: Vec<T>,
    c: Vec<T>,
}

impl<T: Real> Balance<T> {
    /// Entries and sums that `f32` holds exactly; every fourth entry is 0, and a row and a column carry nothing.
    fn new(how: How, sparse: bool) -> Self {
        let (n, m) = if matches!(how, How::SinkhornKnopp) { (9, 13) } else { (10, 10) };
        let mut numbers = Numbers(n as u64);
        let mut values: Vec<f64> = (0..n * m)
            .map(|k| if k % 4 == 1 && k % m != k / m { 0.0 } else { numbers.next() + 0.625 })
            .collect();
        if matches!(how, How::Symmetric) {
            values = (0..n * n).map(|k| values[k] + values[k % n * n + k / n]).collect();
        }
        let mut sums = |n: usize| {
            let mut sums: Vec<f64> = (0..n).map(|_| 16.0 + (numbers.next() * 8.0).round()).collect();
            sums[n / 2] = 0.0;
            sums[n - 1] += 240.0 - sums.iter().sum::<f64>();
            sums
        };
        let r = sums(n);
        let c = if n == m { r.clone() } else { sums(m) };
        Self { how, sparse, values: cast(&values), r: cast(&r), c: cast(&c) }
    }

    fn view<R>(&self, then: impl FnOnce(&dyn Rows<T>) -> R) -> R {
        let m = self.c.len();
        if !self.sparse {
            return then(&Dense::new(&self.values, self.r.len(), m, m).expect("a valid matrix"));
        }
        let (mut offsets, mut columns, mut values) = (vec![0], vec![], vec![]);
        for row in self.values.chunks(m) {
            for (j, &a) in row.iter().enumerate().filter(|(_, a)| **a != T::ZERO) {
                columns.push(j as u32);
                values.push(a);
            }
            offsets.push(columns.len() as u32);
        }
        then(&Csr::new(&offsets, &columns, &values, m).expect("a valid matrix"))
    }

    /// x and y in `f64`.
    fn halves(&self, x: &[T]) -> (Vec<f64>, Vec<f64>) {
        let x = wide(x);
        if matches!(self.how, How::Symmetric) {
            return (x.clone(), x);
        }
        let (x, y) = x.split_at(self.r.len());
        (x.to_vec(), y.to_vec())
    }
}

impl<T: Real> Method<T> for Balance<T> {
    fn name(&self) -> String {
        format!("{:?}, sparse: {}", self.how, self.sparse)
    }
    fn first(&self) -> Vec<T> {
        let len = if matches!(self.how, How::Symmetric) { 10 } else { self.r.len() + self.c.len() };
        cast(&Numbers(5).vector(len).iter().map(|x| x + 1.0).collect::<Vec<_>>())
    }
    /// Lines that carry nothing are marked, and Sinkhorn & Knopp's iteration begins by making the rows exact.
    fn begun(&self) -> Vec<T> {
        let mut first = self.first();
        if matches!(self.how, How::Ruiz(_)) {
            return first;
        }
        let mark = |x: &mut [T], sums: &[T]| {
            x.iter_mut().zip(sums).filter(|(_, s)| **s == T::ZERO).for_each(|(x, _)| *x = T::ZERO);
        };
        let (x, y) = first.split_at_mut(self.r.len());
        mark(x, &self.r);
        if matches!(self.how, How::SinkhornKnopp) {
            mark(y, &self.c);
            for ((x, row), r) in x.iter_mut().zip(self.values.chunks(self.c.len())).zip(&self.r) {
                let sum: f64 = row.iter().zip(&*y).map(|(a, y)| a.to_f64() * y.to_f64()).sum();
                *x = T::from_f64(r.to_f64() / sum);
            }
        }
        first
    }
    fn required_len(&self) -> usize {
        let (n, m) = (self.r.len(), self.c.len());
        match self.how {
            How::SinkhornKnopp => sinkhorn_knopp::Workspace::<T>::required_len(n, m),
            How::Symmetric => symmetric::Workspace::<T>::required_len(n),
            How::Ruiz(_) => ruiz::Workspace::<T>::required_len(n, m),
        }
    }
    fn call(
        &self,
        stop: &Stop<T>,
        x: &mut [T],
        storage: &mut [T],
        how: Call<'_, '_, T>,
    ) -> Result<Option<Report<T>>, Error> {
        let (n, m) = (self.r.len(), self.c.len());
        let options = sinkhorn_knopp::Options { stop: *stop };
        let mut indices = vec![u32::MAX; sinkhorn_knopp::Workspace::<T>::required_indices(n, m)];
        macro_rules! call {
            ($module:ident, $problem:expr, $x:expr) => {{
                let problem = $problem?;
                let workspace = $module::Workspace::new(&problem, storage, &mut indices)?;
                match how {
                    Call::Solve(observer) => {
                        $module::solve(&problem, &options, $x, workspace, observer).map(Some)
                    }
                    begin => Ok(begin.to(&mut $module::start(&problem, &options, $x, workspace)?, stop)),
                }
            }};
        }
        self.view(|view| match self.how {
            How::SinkhornKnopp => call!(sinkhorn_knopp, Problem::new(&view, &self.r, &self.c), halves(x, n)),
            How::Symmetric => call!(symmetric, Problem::new(&view, &self.r, &self.c), x),
            How::Ruiz(norm) => call!(ruiz, ruiz::Problem::new::<T>(&view, norm), halves(x, n)),
        })
    }
    fn look(&self, x: &[T]) -> (f64, f64) {
        let (x, y) = self.halves(x);
        let m = y.len();
        let (mut rows, mut columns) = (vec![0.0; x.len()], vec![0.0; m]);
        for (k, a) in self.values.iter().enumerate() {
            let p = x[k / m] * a.to_f64() * y[k % m];
            let sum = |line: &mut f64| *line += p;
            let most = |line: &mut f64| *line = line.max(p);
            if matches!(self.how, How::Ruiz(ruiz::Norm::Largest)) {
                most(&mut rows[k / m]);
                most(&mut columns[k % m]);
            } else {
                sum(&mut rows[k / m]);
                sum(&mut columns[k % m]);
            }
        }
        let epsilon = T::EPSILON.to_f64();
        if matches!(self.how, How::Ruiz(_)) {
            let lines = rows.iter().chain(&columns);
            let worst = lines.fold(0.0, |most: f64, line| most.max((line - 1.0).abs()));
            return (worst, 16.0 * epsilon * (1.0 + worst));
        }
        let off = |lines: &[f64], sums: &[T]| -> f64 {
            lines.iter().zip(sums).map(|(line, s)| (line - s.to_f64()).abs()).sum()
        };
        let error = off(&rows, &self.r) + off(&columns, &self.c);
        (error, 16.0 * epsilon * (240.0 + error))
    }
}

fn halves<T>(x: &mut [T], n: usize) -> Scalings<'_, T> {
    let (x, y) = x.split_at_mut(n);
    Scalings { x, y }
}

/// Every method of balancing, on both kinds of matrices.
pub(crate) fn balance<T: Real>() -> impl Iterator<Item = Box<dyn Method<T>>> {
    let norms = [ruiz::Norm::Largest, ruiz::Norm::Sum].map(How::Ruiz);
    let hows = [How::SinkhornKnopp, How::Symmetric].into_iter().chain(norms);
    hows.flat_map(|how| [false, true].map(|sparse| Box::new(Balance::new(how, sparse)) as Box<dyn Method<T>>))
}
