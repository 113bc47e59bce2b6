//! Plain loops in `f64`: gradients, optimality and an answer by exhaustion or by coordinate descent.

/// A quadratic in a box, dense.
#[derive(Clone, Debug)]
pub(crate) struct Dense {
    pub(crate) h: Vec<f64>,
    pub(crate) f: Vec<f64>,
    pub(crate) lower: Vec<f64>,
    pub(crate) upper: Vec<f64>,
}

impl Dense {
    pub(crate) fn gradient(&self, x: &[f64]) -> Vec<f64> {
        let rows = self.h.chunks(self.f.len()).zip(&self.f);
        rows.map(|(row, f)| f + row.iter().zip(x).map(|(h, x)| h * x).sum::<f64>()).collect()
    }

    pub(crate) fn objective(&self, x: &[f64]) -> f64 {
        x.iter().zip(self.gradient(x)).zip(&self.f).map(|((x, g), f)| 0.5 * x * (g + f)).sum()
    }

    /// The largest violation of the optimality conditions.
    pub(crate) fn residual(&self, x: &[f64]) -> f64 {
        let violations = self.gradient(x).into_iter().enumerate().map(|(i, g)| {
            let (at_lower, at_upper) = (x[i] <= self.lower[i], x[i] >= self.upper[i]);
            match (at_lower, at_upper) {
                (true, true) => 0.0,
                (true, false) => (-g).max(0.0),
                (false, true) => g.max(0.0),
                (false, false) => g.abs(),
            }
        });
        violations.fold(0.0, f64::max)
    }

    pub(crate) fn inside(&self, x: &[f64]) -> bool {
        x.iter().zip(&self.lower).zip(&self.upper).all(|((x, lo), hi)| lo <= x && x <= hi)
    }

    /// Cyclic coordinate descent until nothing moves any more.
    pub(crate) fn by_coordinates(&self) -> Vec<f64> {
        let n = self.f.len();
        let mut x: Vec<f64> = (0..n).map(|i| 0.0_f64.max(self.lower[i]).min(self.upper[i])).collect();
        for _ in 0..100_000 {
            let mut moved: f64 = 0.0;
            for i in 0..n {
                let g = self.f[i] + (0..n).map(|j| self.h[i * n + j] * x[j]).sum::<f64>();
                let to = (x[i] - g / self.h[i * n + i]).max(self.lower[i]).min(self.upper[i]);
                moved = moved.max((to - x[i]).abs());
                x[i] = to;
            }
            if moved < 1e-14 {
                return x;
            }
        }
        panic!("coordinate descent does not come to rest");
    }
}

/// a⁻¹ b by Gauss with pivoting.
pub(crate) fn gauss(mut a: Vec<f64>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| a[i * n + k].abs().total_cmp(&a[j * n + k].abs())).expect("rows");
        (0..n).for_each(|j| a.swap(k * n + j, pivot * n + j));
        b.swap(k, pivot);
        for i in k + 1..n {
            let factor = a[i * n + k] / a[k * n + k];
            (k..n).for_each(|j| a[i * n + j] -= factor * a[k * n + j]);
            b[i] -= factor * b[k];
        }
    }
    for k in (0..n).rev() {
        let known: f64 = (k + 1..n).map(|j| a[k * n + j] * b[j]).sum();
        b[k] = (b[k] - known) / a[k * n + k];
    }
    b
}
